#pragma once
#include <memory>
#include <vector>

#include "operations/report/learn_page.hpp"

namespace hostsplit::cli {

/// The terminal as a screen: draws pages, hands out keys. Works over SSH, in tmux, on a serial line and on the
/// machine's own console; the terminal is as it was before when the object goes.
class LearnScreen {
 public:
  /// Whether this process has a terminal on both sides that can show a screen: not where it is piped, nor with
  /// TERM=dumb or a terminal nobody has described.
  static bool possible();

  /// \throws Error if the terminal cannot be set up.
  LearnScreen();
  ~LearnScreen();
  LearnScreen(const LearnScreen&) = delete;
  LearnScreen& operator=(const LearnScreen&) = delete;

  int width() const;
  int height() const;
  void draw(const LearnPage& page);
  /// What was typed, without waiting. A changed size and Ctrl-L, which draws everything anew, are dealt with here.
  std::vector<LearnKey> keys();
  /// Throws away what was typed and not asked for yet.
  void discard_typed();
  /// The next draw() sends every character again: something else has written to the terminal.
  void draw_all_anew();
  void ring();
  /// The terminal is gone.
  bool lost() const;

 private:
  struct Terminal;
  std::unique_ptr<Terminal> terminal_;
};

}  // namespace hostsplit::cli
