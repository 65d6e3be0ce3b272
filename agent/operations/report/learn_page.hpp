#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operations/learn_dialogue.hpp"

namespace hostsplit {

/// A piece of a line in one style.
struct LearnSpan {
  enum class Style { plain, bar, faint, lit, good, bad, strong, input, code };
  std::string text;
  Style style = Style::plain;
};
using LearnLine = std::vector<LearnSpan>;

/// One screenful: `height` lines of at most `width` columns.
struct LearnPage {
  std::vector<LearnLine> lines;
  std::optional<std::pair<int, int>> cursor;  ///< line and column where text is typed; empty: nowhere
};
/// Lays the dialogue out: sockets, question, messages, keys. \pre width and height are at least 1
LearnPage learn_page(const LearnDialogue& dialogue, int width, int height);

}  // namespace hostsplit
