#pragma once
#include <string>

#include "operations/learn_dialogue.hpp"

namespace hostsplit {

/// The dialogue as the page on a phone shows it, as JSON:
/// `question` (`number`, `kind` name or other_half, `place`, `label`, `proposal`) or null; `elsewhere`: the terminal is
/// asked something that the phone does not answer; `lit`: the place that lit up last, or null; `waiting`; `named` and
/// `sockets`, counts; `messages` (`tone`, `text`), the last ones. A place has `half`, `port`, `controller`, `device`.
/// The same dialogue gives the same text.
std::string learn_state(const LearnDialogue& dialogue);
/// What became of an answer: `taken` and a `sentence`.
std::string answer_state(bool taken, const std::string& sentence);

}  // namespace hostsplit
