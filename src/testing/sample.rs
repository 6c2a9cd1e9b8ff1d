use crate::commands::for_each_command;
use crate::protocol::Command;

macro_rules! define_samples {
    ($( $family:ident $module:ident $prefix:literal {
        $(
            $phase:ident $variant:ident $word:literal $docs:literal => $event:ident $(-> $reply:ident)?
            $(, time $time:expr)? $(, key $key:expr)?;
        )*
    } )*) => {
        /// A body that the vendor's pages show for a command; `None` for a command that this version does not know.
        pub fn sample(command: &Command) -> Option<&'static str> {
            match command {
                $( $( Command::$variant => Some(include_str!(concat!("../../tests/payloads/", $word, ".json"))), )* )*
                Command::Unknown(_) => None,
            }
        }
    };
}

for_each_command!(define_samples);
