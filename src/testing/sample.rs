use crate::commands::for_each_command;
use crate::protocol::Command;

macro_rules! define_samples {
    ($( $family:ident $module:ident $prefix:literal {
        $( $phase:ident $variant:ident $word:literal $(=> $event:ident $(-> $reply:ident)?)?; )*
    } )*) => {
        /// The body that the vendor's page shows for a command; `None` for a command that this version does not know, or has no
        /// type for.
        pub fn sample(command: &Command) -> Option<&'static str> {
            match command {
                $( $( $(
                    Command::$variant => {
                        // Names the type so that only typed commands are asked for a payload.
                        let _: Option<crate::event::$module::$event> = None;
                        Some(include_str!(concat!("../../tests/payloads/", $word, ".json")))
                    }
                )? )* )*
                _ => None,
            }
        }
    };
}

for_each_command!(define_samples);
