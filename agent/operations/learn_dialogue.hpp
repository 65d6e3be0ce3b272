#pragma once
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/inventory/usb_facts.hpp"
#include "operations/learning_session.hpp"
#include "operations/lending.hpp"
#include "operations/status.hpp"

namespace hostsplit {

/// A key, as far as the dialogue knows it.
struct LearnKey {
  enum class Kind { text, enter, escape, backspace, clear, undo, rename, forget, lend, up, down, phone, done };
  Kind kind = Kind::text;
  std::string text = {};  ///< of a Kind::text: one character, UTF-8
};

/// What is asked. A question about a socket waits until those before it are answered.
struct LearnQuestion {
  enum class Kind {
    name,        ///< of a socket that has none
    other_half,  ///< is this the not yet seen half of `label`?
    rename,      ///< what is `label` to be called?
    forget,      ///< is `label` to be forgotten?
    lend         ///< are the hidden controllers to be lent to the host?
  };
  Kind kind = Kind::name;
  UsbDevice device = {};     ///< of name and other_half
  std::string label = {};    ///< of all but name and lend
  std::string answer = {};   ///< as typed so far, or the proposal
  bool proposed = true;      ///< the answer is the proposal still; the next character replaces it
  std::string refusal = {};  ///< why the last answer was not taken
  std::string proposal = {};
  unsigned number = 0;  ///< no other question of this dialogue has it; 0: it was not asked yet

  bool takes_text() const { return kind != Kind::forget && kind != Kind::lend; }
  bool about_socket() const { return kind == Kind::name || kind == Kind::other_half; }
};

/// What is to be done now; done() or refused() says what came of it.
struct LearnOrder {
  enum class Kind { name, rename, forget, undo, lend, end };
  Kind kind = Kind::end;
  UsbDevice device = {};                  ///< of name
  std::string label = {};                 ///< of rename and forget: the one it has
  std::string name = {};                  ///< of name and rename: the new one
  std::set<PciAddress> controllers = {};  ///< of lend
};

/// All that is shown beside the dialogue itself, as it was observed last.
struct LearnScene {
  PortMap map;
  std::vector<PortStatus> ports;  ///< learned ones first
  std::map<PciAddress, int> vms;  ///< of controllers that belong to one
  std::vector<HiddenController> hidden;
  UsbFacts facts;
};

/// The state of the conversation on the screen of `hostsplit learn`: events and keys in, what to show and what to do
/// out. No I/O and no clock.
class LearnDialogue {
 public:
  using Time = std::chrono::milliseconds;  ///< since any moment in the past

  enum class Tone { plain, good, bad, hint };
  struct Message {
    Tone tone;
    std::string text;
  };

  /// The machine was observed. Questions follow from the events, in their order.
  void observed(const std::vector<LearningEvent>& events, LearnScene scene, Time now);
  /// A key was typed. \return what to do, if anything
  std::optional<LearnOrder> key(const LearnKey& key, Time now);
  /// An answer that was given elsewhere than on the terminal.
  struct Elsewhere {
    std::optional<LearnOrder> order;  ///< what to do, if anything
    std::string refusal;              ///< why it counts for nothing; empty: it counts
  };
  /// \param number  of the question it was given for: it counts for no other
  Elsewhere answered_elsewhere(unsigned number, const std::string& text, Time now);
  /// The question is not answered: as Esc. \pre there is one
  void decline(Time now) { skip(now); }
  /// The order was carried out; the port map is another one now. \param hint  what to add; may be empty
  void named(const LearnOrder& order, const LearnedPort& port, const std::string& hint, const PortMap& map, Time now);
  /// Something else was done. \param sentence  about it
  void done(const LearnOrder& order, const std::string& sentence, const PortMap& map, Time now);
  void undone(const LearningSession::Undone& undone, const PortMap& map, Time now);
  /// It could not be done. \param why  a sentence
  void refused(const LearnOrder& order, const std::string& why);
  /// The screen shows what is asked now. Keys before that are no answer.
  void shown(Time now);
  void say(Tone tone, std::string text);

  const std::optional<LearnQuestion>& question() const { return question_; }
  /// Sockets that wait behind the question.
  std::size_t waiting() const { return waiting_.size(); }
  const LearnScene& scene() const { return scene_; }
  const std::deque<Message>& messages() const { return messages_; }  ///< oldest first; the last ones
  std::size_t said() const { return said_; }                         ///< messages since the beginning
  const std::string& selected() const { return selected_; }          ///< label of the row that rename and forget mean
  /// The place to show as the one that just lit up. \return nullptr when there is none
  const UsbDevice* lit() const;

  /// True once after each question that opened: whatever was typed before is to be thrown away.
  bool take_flush() { return std::exchange(flush_, false); }
  /// True once after each socket that wants an answer.
  bool take_bell() { return std::exchange(bell_, false); }

 private:
  void event(const LearningEvent& event, Time now);
  void plugged(const LearningEvent& event, Time now);
  void withdraw_used();
  void ask(LearnQuestion question, Time now);
  void open(LearnQuestion question, Time now);
  void next(Time now);
  std::string proposal(const UsbDevice& device) const;
  std::string panel(const UsbDevice& device) const;
  bool typed_ahead(Time now);
  void stray(Time now);
  std::optional<LearnOrder> text_key(const LearnKey& key, Time now);
  std::optional<LearnOrder> answer(const std::string& text, Time now);
  std::optional<LearnOrder> command(const LearnKey& key, Time now);
  void skip(Time now);
  void cancel_command();
  void ask_to_lend(Time now);
  void select(int step);

  LearnScene scene_;
  std::optional<LearnQuestion> question_;
  std::deque<LearnQuestion> waiting_;
  std::deque<Message> messages_;
  std::size_t said_ = 0;
  unsigned asked_ = 0;
  std::map<std::string, std::string> last_by_panel_;
  std::string selected_;
  std::optional<UsbDevice> lit_;
  std::optional<Time> shown_at_;  ///< of the question
  std::optional<Time> stray_at_;  ///< the last key that answered nothing
  bool ahead_ = false;            ///< somebody was typing when the question opened, and has not paused since
  bool flush_ = false, bell_ = false, offered_ = false;
};

/// "USB3 port 2 of 0000:03:00.3, SanDisk Ultra (serial S1)": the place of a device, for people.
std::string place_of(const UsbDevice& device);
/// What is on the screen beside the dialogue, as observed in `state`. \param map  the session's: `fresh` ones differ
/// from the file
LearnScene make_scene(const Root& root, const State& state, const PortMap& map);
/// What would prove the other half of a socket, as a sentence; empty where nothing is unproven.
std::string unproven_half(const LearnedPort& port);

}  // namespace hostsplit
