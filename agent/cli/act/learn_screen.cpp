#include "cli/act/learn_screen.hpp"

// Functions only: its macros have the names of members of the standard library.
#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <langinfo.h>
#include <ncurses.h>
#include <poll.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
// term.h names its capabilities like this all the same.
#undef lines
#undef columns

#include <clocale>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/base/error.hpp"

namespace hostsplit::cli {
namespace {

using Style = LearnSpan::Style;
using Kind = LearnKey::Kind;

/// How long the rest of the sequence of an arrow key may take on a slow line, and Esc alone is known for what it is.
constexpr int escape_delay_ms = 100;

constexpr int control(char letter) {
  return letter & 0x1f;
}

enum Colour : short { green = 1, red, modules };

bool colours_wanted() {
  return std::getenv("NO_COLOR") == nullptr && has_colors();
}

attr_t attributes(Style style, bool colours) {
  switch (style) {
    case Style::plain: return A_NORMAL;
    case Style::bar: return A_REVERSE;
    case Style::faint: return A_DIM;
    case Style::lit: return A_REVERSE | A_BOLD;
    case Style::good: return colours ? COLOR_PAIR(green) : A_NORMAL;
    case Style::bad: return (colours ? COLOR_PAIR(red) : A_NORMAL) | A_BOLD;
    case Style::strong: return A_BOLD;
    case Style::input: return A_UNDERLINE;
    case Style::code: return colours ? COLOR_PAIR(modules) | A_BOLD : A_NORMAL;
  }
  return A_NORMAL;
}

/// One character as UTF-8; wchar_t is a code point here.
std::string utf8(wint_t code) {
  const auto byte = [](unsigned long value) { return static_cast<char>(value); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xc0 | code >> 6), byte(0x80 | (code & 0x3f))};
  if (code < 0x10000) return {byte(0xe0 | code >> 12), byte(0x80 | (code >> 6 & 0x3f)), byte(0x80 | (code & 0x3f))};
  return {byte(0xf0 | code >> 18), byte(0x80 | (code >> 12 & 0x3f)), byte(0x80 | (code >> 6 & 0x3f)),
          byte(0x80 | (code & 0x3f))};
}

/// A key of its own, by its code in ncurses.
std::optional<Kind> function_key(wint_t code) {
  switch (code) {
    case KEY_UP: return Kind::up;
    case KEY_DOWN: return Kind::down;
    case KEY_ENTER: return Kind::enter;
    case KEY_BACKSPACE: return Kind::backspace;
    default: return {};
  }
}

std::optional<LearnKey> character_key(wint_t code) {
  switch (code) {
    case '\r':
    case '\n': return LearnKey{Kind::enter};
    case 0x1b: return LearnKey{Kind::escape};
    case 0x7f:
    case '\b': return LearnKey{Kind::backspace};
    case control('U'): return LearnKey{Kind::clear};
    case control('Z'): return LearnKey{Kind::undo};
    case control('R'): return LearnKey{Kind::rename};
    case control('F'): return LearnKey{Kind::forget};
    case control('O'): return LearnKey{Kind::lend};
    case control('P'): return LearnKey{Kind::phone};
    case control('D'): return LearnKey{Kind::done};
    default: break;
  }
  if (code < 0x20) return {};
  return LearnKey{Kind::text, utf8(code)};
}

/// Names are UTF-8 whatever the locale of a serial line or of sudo says.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

struct LearnScreen::Terminal {
  SCREEN* screen = nullptr;
  termios before{};
  bool colours = false;
  bool lost = false;

  ~Terminal() {
    if (!screen) return;
    endwin();
    delscreen(screen);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
  }
};

bool LearnScreen::possible() {
  const char* term = std::getenv("TERM");
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !term || *term == '\0' || std::strcmp(term, "dumb") == 0)
    return false;
  int known = 0;
  if (setupterm(term, STDOUT_FILENO, &known) != OK) return false;
  const bool moves = tigetstr("cup") != nullptr && tigetstr("cup") != reinterpret_cast<char*>(-1);
  del_curterm(cur_term);
  return moves;
}

LearnScreen::LearnScreen() : terminal_(std::make_unique<Terminal>()) {
  use_utf8();
  tcgetattr(STDIN_FILENO, &terminal_->before);
  terminal_->screen = newterm(nullptr, stdout, stdin);
  if (!terminal_->screen)
    throw Error("use", "the terminal", "it cannot show a screen", "Run: TERM=dumb hostsplit learn");
  cbreak();
  noecho();
  nonl();
  // Ctrl-Z undoes; Ctrl-C stays a signal, so that nothing here can keep it from ending the program.
  termios modes{};
  if (tcgetattr(STDIN_FILENO, &modes) == 0) {
    modes.c_cc[VSUSP] = _POSIX_VDISABLE;
    modes.c_lflag &= ~static_cast<tcflag_t>(IEXTEN);
    tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    def_prog_mode();
  }
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(escape_delay_ms);
  terminal_->colours = colours_wanted() && start_color() == OK;
  if (terminal_->colours) {
    const short background = use_default_colors() == OK ? short{-1} : short{COLOR_BLACK};
    init_pair(green, COLOR_GREEN, background);
    init_pair(red, COLOR_RED, background);
    init_pair(modules, COLOR_WHITE, COLOR_BLACK);
  }
}

LearnScreen::~LearnScreen() = default;

int LearnScreen::width() const {
  return getmaxx(stdscr);
}
int LearnScreen::height() const {
  return getmaxy(stdscr);
}
bool LearnScreen::lost() const {
  return terminal_->lost;
}

void LearnScreen::draw(const LearnPage& page) {
  erase();
  for (std::size_t row = 0; row < page.lines.size(); ++row) {
    move(static_cast<int>(row), 0);
    for (const auto& span : page.lines[row]) {
      attrset(static_cast<int>(attributes(span.style, terminal_->colours)));
      addstr(span.text.c_str());
    }
  }
  attrset(A_NORMAL);
  curs_set(page.cursor ? 1 : 0);
  if (page.cursor) move(page.cursor->first, page.cursor->second);
  wrefresh(stdscr);
}

std::vector<LearnKey> LearnScreen::keys() {
  std::vector<LearnKey> keys;
  pollfd item{STDIN_FILENO, POLLIN, 0};
  if (poll(&item, 1, 0) > 0 && (item.revents & (POLLHUP | POLLERR)) != 0) terminal_->lost = true;
  wint_t code = 0;
  for (int kind = get_wch(&code); kind != ERR; kind = get_wch(&code)) {
    if (kind == KEY_CODE_YES) {
      if (const auto key = function_key(code)) keys.push_back({*key});
    } else if (code == control('L')) {
      draw_all_anew();
    } else if (auto key = character_key(code)) {
      keys.push_back(std::move(*key));
    }
  }
  return keys;
}

void LearnScreen::discard_typed() {
  flushinp();
  tcflush(STDIN_FILENO, TCIFLUSH);
}

void LearnScreen::draw_all_anew() {
  clearok(curscr, TRUE);
}

void LearnScreen::ring() {
  beep();
}

}  // namespace hostsplit::cli
