# Left out of .ci/api.txt, so that a change can be read in review: what other tests hold, and what an `impl` line says already.
# The fields of events, and which command an event is: the payload files and src/table.rs.
/^pub crate::event::[a-z_0-9]*::[A-Za-z0-9]*::[a-z_0-9]*: /d
/^impl core::convert::From<crate::event::[^>]*> for crate::event::Event$/d
/^pub fn crate::event::Event::from(/d
/^impl crate::event::[AT][a-z]*Event for crate::event::/d
/^pub fn crate::event::.*::from_event(/d
/^pub const crate::event::[a-z_0-9]*::[A-Za-z0-9]*::COMMAND: /d
/^pub crate::\(event::\)\{0,1\}Event::/d
/^pub crate::Command::/d
/^pub type crate::event::.*::Reply = ()$/d
# The methods of Debug, Display, Serialize, Deserialize and From.
/^pub fn [^(]*::fmt(&self, /d
/^pub fn [^(]*::\(de\)\{0,1\}serialize</d
/^pub fn [^(]*::from(/d
