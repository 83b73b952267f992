//! The signals of the daemon: the first SIGTERM or SIGINT asks it to finish, the second ends the process at once, SIGHUP has the
//! settings read again.

use crate::daemon::{Command, Remote};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// From now on signals are orders.
pub fn catch(remote: &Remote) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let remote = remote.clone();
    let listen = move || {
        let mut is_stopping = false;
        for signal in signals.forever() {
            match signal {
                SIGHUP => remote.order(Command::Reload),
                signal if is_stopping => std::process::exit(128 + signal),
                _ => {
                    is_stopping = true;
                    let late = remote.clone();
                    // Before the order, which may wait for room: the second signal must not.
                    let order = move || late.order(Command::Stop);
                    let _ = std::thread::Builder::new().name("stop".to_owned()).spawn(order);
                }
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen).map(drop)
}
