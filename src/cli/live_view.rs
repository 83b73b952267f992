//! What a person at a terminal sees of the daemon: what is wrong, what fails, the last verdicts, what is being worked on; and the
//! keys. A thread of its own looks at the board; the daemon never waits for the terminal.

use super::log;
use super::message::visible;
use crate::daemon::{Board, Command, Line, Phase, Remote, Status};
use crate::model;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line as TextLine, Span};
use ratatui::widgets::{Block, Borders, Cell, Gauge, Paragraph, Row, Table, Wrap};
use ratatui::{Frame, Terminal};
use rustix::event::{PollFd, PollFlags};
use std::fs::File;
use std::io::BufWriter;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How soon after a change it is drawn.
const FRAME: Duration = Duration::from_millis(100);

/// How long the end of the view is waited for: what hangs in the terminal holds nobody up.
const END_TIME_MAX: Duration = Duration::from_secs(1);

/// The view, for as long as it lives; then the terminal is as it was.
pub struct LiveView {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl LiveView {
    /// Takes the terminal.
    pub fn start(board: Arc<Board>, remote: Remote, out: &Path) -> std::io::Result<Self> {
        let mut screen = take_screen()?;
        log::mute(true);
        let ended = Arc::<AtomicBool>::default();
        let (seen, report) = (Arc::clone(&ended), out.join("report.html"));
        let show = move || {
            let mut keys = Keys { remote, report, note: String::new(), is_stopping: false };
            match show(&mut screen, &board, &mut keys, &seen) {
                Ok(Ended::Asked) => {}
                // As for every program of a terminal that goes away.
                Ok(Ended::Lost) => keys.remote.order(Command::Stop),
                Err(error) => tracing::error!(%error, "the live view failed; the daemon goes on"),
            }
            // Whoever asked to stop sees the shell at once, while the rest is published.
            give_back_screen();
            log::mute(false);
        };
        let thread = std::thread::Builder::new().name("view".to_owned()).spawn(show)?;
        Ok(Self { ended, thread: Some(thread) })
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let began = Instant::now();
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
            && began.elapsed() < END_TIME_MAX
        {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Standard output by a handle of its own: the command holds the lock of the usual one for as long as it runs.
type Screen = Terminal<CrosstermBackend<BufWriter<File>>>;

fn handle() -> std::io::Result<File> {
    Ok(File::from(std::io::stdout().as_fd().try_clone_to_owned()?))
}

fn take_screen() -> std::io::Result<Screen> {
    let mut output = BufWriter::new(handle()?);
    enable_raw_mode()?;
    execute!(output, EnterAlternateScreen, Hide)?;
    Terminal::new(CrosstermBackend::new(output))
}

fn give_back_screen() {
    // Whatever fails: there is nobody left to tell.
    let _ = disable_raw_mode();
    let _ = handle().and_then(|mut output| execute!(output, LeaveAlternateScreen, Show));
}

struct Keys {
    remote: Remote,
    report: PathBuf,
    note: String,
    is_stopping: bool,
}

/// Why the view ended.
enum Ended {
    /// The daemon has ended.
    Asked,
    /// The terminal is gone.
    Lost,
}

/// Waits a moment for a key; `true` where the terminal is gone. Reading from what is gone would never end.
fn is_lost(wait: Duration) -> std::io::Result<bool> {
    let stdin = std::io::stdin();
    let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
    let wait = rustix::event::Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
    match rustix::event::poll(&mut polled, Some(&wait)) {
        // A signal, such as that of another size.
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)),
    }
}

fn show(screen: &mut Screen, board: &Board, keys: &mut Keys, ended: &AtomicBool) -> std::io::Result<Ended> {
    let mut version = u64::MAX;
    let mut must_draw = true;
    while !ended.load(Ordering::SeqCst) {
        let now = board.wait(u64::MAX, Duration::ZERO);
        if must_draw || now != version {
            version = now;
            let status = board.read();
            screen.draw(|frame| draw(frame, &status, &keys.note))?;
        }
        if is_lost(FRAME)? {
            return Ok(Ended::Lost);
        }
        must_draw = event::poll(Duration::ZERO)?;
        if must_draw {
            keys.take(&event::read()?);
        }
    }
    Ok(Ended::Asked)
}

impl Keys {
    fn take(&mut self, event: &Event) {
        let Event::Key(key) = event else { return };
        if key.kind != KeyEventKind::Press {
            return;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => self.stop(),
            KeyCode::Char('q') => self.stop(),
            KeyCode::Char('a') => {
                self.note = "everything is found out again".to_owned();
                self.remote.order(Command::RerunAll);
            }
            KeyCode::Char('f') => {
                self.note = "what fails is found out again".to_owned();
                self.remote.order(Command::RerunFailing);
            }
            KeyCode::Char('o') => self.note = open(&self.report),
            _ => {}
        }
    }

    fn stop(&mut self) {
        if self.is_stopping {
            give_back_screen();
            std::process::exit(130);
        }
        self.is_stopping = true;
        self.note = "finishing; once more to leave at once".to_owned();
        self.remote.order(Command::Stop);
    }
}

/// Has the desktop open the report, if there is one; says what became of it.
fn open(report: &Path) -> String {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let program = std::env::var("BROWSER").ok().filter(|name| !name.is_empty());
    let mut command = std::process::Command::new(program.as_deref().unwrap_or(opener));
    command.arg(report).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Ok(mut child) => {
            // Nobody waits for a browser; but somebody must hear of its end.
            let _ = std::thread::Builder::new().spawn(move || child.wait());
            format!("opened {}", report.display())
        }
        Err(_) => format!("nothing here opens it: the report is {}", report.display()),
    }
}

fn draw(frame: &mut Frame<'_>, status: &Status, note: &str) {
    let problems = status.problems.len() as u16;
    let n_failing = status.first_failing.len() as u16;
    let height = frame.area().height;
    // Failures first; the last verdicts get at least a third.
    let failing =
        if n_failing == 0 { 0 } else { (n_failing + 2).min(height.saturating_sub(problems + 4) * 2 / 3) };
    let [head, progress, wrong, fails, last, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(problems * 2),
        Constraint::Length(failing),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(heading(status), head);
    draw_progress(frame, status, progress);
    let sentences: Vec<TextLine<'_>> =
        status.problems.values().map(|problem| TextLine::from(visible(problem)).fg(Color::Red)).collect();
    frame.render_widget(Paragraph::new(sentences).wrap(Wrap { trim: true }), wrong);
    if failing > 0 {
        let title = format!(" failing: {} ", status.failing);
        frame.render_widget(table(&title, status.first_failing.iter()), fails);
    }
    frame.render_widget(table(" last verdicts ", status.last.iter()), last);
    let keys = if note.is_empty() { "" } else { "   " };
    frame.render_widget(
        TextLine::from(vec![
            Span::raw(" a rerun all   f rerun failing   o open report   q quit").dim(),
            Span::raw(format!("{keys}{note}")),
        ]),
        foot,
    );
}

fn heading(status: &Status) -> TextLine<'static> {
    let v = &status.verdicts;
    let failing = Style::new().fg(if status.failing == 0 { Color::Green } else { Color::Red });
    TextLine::from(vec![
        Span::styled(" wordmill ", Modifier::BOLD),
        Span::raw(format!(
            " {} specifications in {} files: {} verified, ",
            status.specs, status.files, v.verified
        )),
        Span::styled(format!("{} failing", status.failing), failing),
        Span::raw(format!(", {} waiting", status.waiting)),
        Span::styled(if status.degraded { "   degraded" } else { "" }, Color::Yellow),
    ])
}

fn draw_progress(frame: &mut Frame<'_>, status: &Status, area: Rect) {
    match (status.phase, status.working_on) {
        (_, Some((done, of))) if of > 0 => {
            let gauge = Gauge::default()
                .ratio((done as f64 / of as f64).min(1.0))
                .label(format!("working on {done} of {of}"))
                .gauge_style(Color::Blue);
            frame.render_widget(gauge, area);
        }
        (phase, _) => {
            let text = match phase {
                Phase::Starting => " reading specifications",
                Phase::Stopping => " stopping: what is known is being published",
                Phase::Working => " working",
                Phase::Idle if status.published => " watching; the report is current",
                Phase::Idle => " watching; the report is being written",
            };
            frame.render_widget(Paragraph::new(text).dim(), area);
        }
    }
}

fn table<'s>(title: &str, lines: impl Iterator<Item = &'s Line>) -> Table<'static> {
    let row = |line: &Line| {
        let color = match line.status {
            model::Status::Verified => Color::Green,
            _ if line.is_failing => Color::Red,
            _ => Color::DarkGray,
        };
        let latency = line.latency_us.map_or(String::new(), |us| format!("{} ms", us.div_ceil(1000)));
        Row::new([
            Cell::from(line.status.name()).style(color),
            Cell::from(visible(line.word.as_deref().unwrap_or("?"))).bold(),
            Cell::from(visible(&format!("{}:{}", line.file, line.line))),
            Cell::from(visible(&line.note)),
            Cell::from(latency).dim(),
        ])
    };
    let widths = [
        Constraint::Length(9),
        Constraint::Max(24),
        Constraint::Fill(2),
        Constraint::Fill(3),
        Constraint::Length(8),
    ];
    let block = Block::new().borders(Borders::TOP).title(title.to_owned());
    Table::new(lines.map(row).collect::<Vec<_>>(), widths).block(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::backend::TestBackend;

    fn line(word: &str, is_failing: bool) -> Line {
        Line {
            word: Some(word.to_owned()),
            status: if is_failing { model::Status::Refuted } else { model::Status::Verified },
            file: "specs/a.jsonl".into(),
            line: 3,
            note: "3 -> 7, expected 9".into(),
            is_failing,
            latency_us: Some(12_345),
        }
    }

    fn screen(status: &Status, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, status, "a note")).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn failures_stand_first_and_what_files_say_is_text() {
        let mut status = Status { specs: 7, failing: 1, phase: Phase::Idle, ..Status::default() };
        status.first_failing.push(line("wrong\u{1b}[2J", true));
        status.last.push_front(line("good", false));
        status.problems.insert(crate::daemon::Topic::Results, "cannot write the results".into());
        let text = screen(&status, 100, 20);
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is not in\n{text}"));
        assert!(at("7 specifications") < at("cannot write the results"));
        assert!(at("cannot write the results") < at("failing: 1") && at("wrong") < at("last verdicts"));
        assert!(at("last verdicts") < at("good") && at("13 ms") < at("rerun failing") && at("a note") > 0);
        assert!(!text.contains('\u{1b}'));
        status.working_on = Some((3, 9));
        assert!(screen(&status, 100, 20).contains("working on 3 of 9"));
        for (width, height) in [(1, 1), (20, 3), (300, 100)] {
            screen(&status, width, height);
        }
    }

    #[test]
    fn keys_give_orders() {
        let (remote, events) = Remote::new(Duration::from_secs(60));
        let mut keys =
            Keys { remote, report: "/nowhere/report.html".into(), note: String::new(), is_stopping: false };
        for (key, expect) in [('a', Command::RerunAll), ('f', Command::RerunFailing), ('q', Command::Stop)] {
            keys.take(&Event::Key(KeyCode::Char(key).into()));
            match events.try_recv() {
                Ok(crate::daemon::Event::Command(command)) => assert_eq!(command, expect),
                other => panic!("{key}: {other:?}"),
            }
        }
        assert!(keys.note.contains("once more"));
    }
}
