// The conversation on the screen of `learn`, without a terminal: events and keys in, questions and orders out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/base/columns.hpp"
#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "core/usb/label_proposal.hpp"
#include "host/inventory/inventory.hpp"
#include "host/store/store.hpp"
#include "operations/learn_dialogue.hpp"
#include "operations/report/learn_page.hpp"
#include "operations/report/learn_state.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::SplitHost;
using testing::UsbSpec;
using Kind = LearnKey::Kind;
using Ask = LearnQuestion::Kind;
using Order = LearnOrder::Kind;
using Time = LearnDialogue::Time;

constexpr auto x0 = "0000:03:00.3", x1 = "0000:22:00.3", x2 = "0000:44:00.1";

/// Dialogue and session together, as the program has them, with a clock of the test's own.
struct DialogueTest : ::testing::Test {
  SplitHost split;
  LearningSession session{split.context(), inventory(split.root), {}};
  LearnDialogue dialogue;
  Time now{1000000};
  int refusals = 0;

  void SetUp() override { look(); }

  void look() {
    State state;
    observe_tolerantly(split.root, state);
    session.reload(state.ports);
    const auto events = session.observe(state.snapshot);
    dialogue.observed(events, make_scene(split.root, state, session.map()), now);
  }
  void plug(const char* controller, const char* path, const char* speed, bool keyboard = false) {
    UsbSpec spec;
    spec.speed = speed;
    spec.serial = std::string(controller) + path + speed;
    spec.product = keyboard ? "Keyboard" : "Stick";
    spec.keyboard = keyboard;
    split.host.plug(controller, path, spec);
  }
  void plug_and_look(const char* controller, const char* path, const char* speed) {
    plug(controller, path, speed);
    look();
  }
  /// The screen was drawn, and somebody had time to read it.
  void read() {
    dialogue.shown(now);
    now += Time(2000);
  }
  void key(Kind kind, const std::string& text = {}) {
    now += Time(50);
    if (const auto order = dialogue.key({kind, text}, now)) carry_out(*order);
  }
  /// ASCII or whole characters, one key each.
  void type(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at + 1;
      while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;
      key(Kind::text, text.substr(at, end - at));
      at = end;
    }
  }
  void answer(const std::string& text) {
    read();
    type(text);
    key(Kind::enter);
  }
  void carry_out(const LearnOrder& order) {
    try {
      switch (order.kind) {
        case Order::name:
          dialogue.named(order, session.name(order.device, order.name).port, "", session.map(), now);
          break;
        case Order::rename:
          session.rename(order.label, order.name);
          dialogue.done(order, "renamed", session.map(), now);
          break;
        case Order::forget:
          session.forget(order.label);
          dialogue.done(order, "forgotten", session.map(), now);
          break;
        case Order::undo:
          if (const auto undone = session.undo()) dialogue.undone(*undone, session.map(), now);
          break;
        default: break;
      }
    } catch (const Error& error) {
      ++refusals;
      dialogue.refused(order, error.what());
    }
    look();
  }
  std::vector<std::string> labels() const {
    std::vector<std::string> all;
    for (const auto& port : session.map().ports) all.push_back(port.label);
    return all;
  }
  std::string said() const {
    std::string text;
    for (const auto& message : dialogue.messages()) text += message.text + "\n";
    return text;
  }
  std::string page(int width = 80, int height = 24) const {
    std::string text;
    for (const auto& line : learn_page(dialogue, width, height).lines) {
      for (const auto& span : line) text += span.text;
      text += "\n";
    }
    return text;
  }
};

TEST_F(DialogueTest, AStickIsAskedForItsNameWithAProposalThatEnterTakes) {
  EXPECT_FALSE(dialogue.question());
  EXPECT_FALSE(dialogue.take_bell());
  plug_and_look(x0, "2", "480");
  ASSERT_TRUE(dialogue.question());
  EXPECT_EQ(dialogue.question()->answer, "socket-1");
  EXPECT_TRUE(dialogue.take_bell());
  EXPECT_TRUE(dialogue.take_flush());
  EXPECT_FALSE(dialogue.take_flush());
  answer("");
  EXPECT_EQ(labels(), std::vector<std::string>{"socket-1"});
  EXPECT_EQ(load_port_map(split.root).ports.size(), 1u) << "it is saved";
  EXPECT_FALSE(dialogue.question());
}

TEST_F(DialogueTest, TheFirstCharacterReplacesTheProposalAndBackspaceEditsIt) {
  plug_and_look(x0, "2", "480");
  answer("front-1");
  plug_and_look(x0, "1", "480");
  EXPECT_EQ(dialogue.question()->answer, "front-2");
  read();
  key(Kind::backspace);
  type("7");
  EXPECT_EQ(dialogue.question()->answer, "front-7");
  key(Kind::clear);
  EXPECT_EQ(dialogue.question()->answer, "");
  type("top");
  key(Kind::enter);
  EXPECT_EQ(labels(), (std::vector<std::string>{"front-1", "top"}));
}

TEST_F(DialogueTest, NamesOfAnyLanguage) {
  plug_and_look(x0, "2", "480");
  answer("前面板1号口");
  EXPECT_EQ(labels().at(0), "前面板1号口");
  plug_and_look(x0, "1", "480");
  EXPECT_EQ(dialogue.question()->answer, "前面板2号口");
  read();
  key(Kind::backspace);
  EXPECT_EQ(dialogue.question()->answer, "前面板2号") << "one character and not one byte";
}

TEST_F(DialogueTest, AStickDuringAQuestionWaits) {
  plug_and_look(x0, "2", "480");
  plug_and_look(x2, "1", "5000");
  EXPECT_EQ(dialogue.waiting(), 1u);
  EXPECT_EQ(dialogue.question()->device.path, "2");
  answer("a");
  ASSERT_TRUE(dialogue.question()) << "it is not lost";
  EXPECT_EQ(to_string(dialogue.question()->device.controller), x2);
  answer("b");
  const auto* b = session.map().find("b");
  ASSERT_TRUE(b && b->usb3);
  EXPECT_EQ(to_string(*b->last_address), x2);
}

TEST_F(DialogueTest, TheSameSocketDoesNotWaitTwice) {
  plug_and_look(x0, "2", "480");
  plug_and_look(x2, "1", "480");
  for (const auto& [controller, path] : {std::pair{x0, "2"}, std::pair{x2, "1"}}) {
    split.host.unplug(controller, path);
    look();
    plug_and_look(controller, path, "480");
  }
  EXPECT_EQ(dialogue.waiting(), 1u);
}

TEST_F(DialogueTest, AStickThatWasPulledCanStillBeNamed) {
  plug_and_look(x0, "2", "480");
  split.host.unplug(x0, "2");
  look();
  answer("front-1");
  EXPECT_EQ(labels(), std::vector<std::string>{"front-1"});
}

TEST_F(DialogueTest, TwoSticksAtOnceAreNotGuessed) {
  plug(x0, "1", "480");
  plug(x0, "2", "480");
  look();
  EXPECT_FALSE(dialogue.question());
  EXPECT_THAT(said(), HasSubstr("plug one at a time"));
  EXPECT_TRUE(labels().empty());
}

TEST_F(DialogueTest, WhatWasTypedBeforeAQuestionIsNoAnswer) {
  type("front-1");
  key(Kind::enter);
  EXPECT_THAT(said(), HasSubstr("Typed while no socket waits"));
  plug_and_look(x0, "2", "480");
  dialogue.shown(now);
  type("front-2");  // still typing, into the question that has just opened
  key(Kind::enter);
  EXPECT_TRUE(labels().empty());
  EXPECT_EQ(dialogue.question()->answer, "socket-1");
  now += Time(1000);
  type("rear");
  key(Kind::enter);
  EXPECT_EQ(labels(), std::vector<std::string>{"rear"});
}

TEST_F(DialogueTest, NobodyAnswersAQuestionThatIsNotDrawnYet) {
  plug_and_look(x0, "2", "480");
  now += Time(5000);
  key(Kind::enter);
  EXPECT_TRUE(labels().empty()) << "it is not on the screen";
  now += Time(5000);
  dialogue.shown(now);
  key(Kind::enter);
  EXPECT_TRUE(labels().empty()) << "50 ms after it was drawn";
  now += Time(1000);
  key(Kind::enter);
  EXPECT_EQ(labels().size(), 1u);
}

TEST_F(DialogueTest, ASecondEnterIsNoAnswerToTheNextSocket) {
  plug_and_look(x0, "2", "480");
  plug_and_look(x2, "1", "480");
  answer("a");
  dialogue.shown(now);
  key(Kind::enter);
  EXPECT_EQ(labels(), std::vector<std::string>{"a"});
}

TEST_F(DialogueTest, SkippedSocketsAreAskedForAgainAtTheNextPlug) {
  plug_and_look(x0, "2", "480");
  read();
  key(Kind::escape);
  EXPECT_FALSE(dialogue.question());
  EXPECT_TRUE(labels().empty());
  split.host.unplug(x0, "2");
  look();
  plug_and_look(x0, "2", "480");
  read();
  key(Kind::clear);
  key(Kind::enter);
  EXPECT_FALSE(dialogue.question()) << "an empty name skips, too";
  EXPECT_TRUE(labels().empty());
}

TEST_F(DialogueTest, UndoAsksForTheSameSocketAgainBeforeOthers) {
  plug_and_look(x0, "2", "480");
  answer("front-1");
  plug_and_look(x2, "1", "480");
  key(Kind::undo);
  EXPECT_TRUE(labels().empty());
  EXPECT_TRUE(load_port_map(split.root).ports.empty()) << "it is saved";
  ASSERT_TRUE(dialogue.question());
  EXPECT_EQ(to_string(dialogue.question()->device.controller), x0);
  EXPECT_EQ(dialogue.waiting(), 1u);
  answer("front-2");
  answer("rear-1");
  EXPECT_EQ(labels(), (std::vector<std::string>{"front-2", "rear-1"}));
}

TEST_F(DialogueTest, UndoGoesBackThroughAllOfTheSession) {
  plug_and_look(x0, "2", "480");
  answer("a");
  plug_and_look(x2, "1", "480");
  answer("b");
  key(Kind::rename);
  answer("c");
  EXPECT_EQ(labels(), (std::vector<std::string>{"a", "c"}));
  key(Kind::up);
  EXPECT_EQ(dialogue.selected(), "a");
  key(Kind::forget);
  read();
  key(Kind::enter);
  EXPECT_EQ(labels(), std::vector<std::string>{"c"});
  key(Kind::undo);
  EXPECT_EQ(labels(), (std::vector<std::string>{"c", "a"}));
  key(Kind::undo);
  EXPECT_EQ(labels(), (std::vector<std::string>{"a", "b"}));
  key(Kind::undo);
  key(Kind::undo);
  key(Kind::undo);
  EXPECT_TRUE(labels().empty());
  EXPECT_EQ(refusals, 0);
}

TEST_F(DialogueTest, UndoDoesNotTouchWhatSomebodyElseHasChangedSince) {
  plug_and_look(x0, "2", "480");
  answer("a");
  PortMap map = load_port_map(split.root);
  map.ports.front().label = "theirs";
  save_port_map(split.root, split.effects, map);
  look();
  key(Kind::undo);
  EXPECT_EQ(refusals, 1);
  EXPECT_EQ(labels(), std::vector<std::string>{"theirs"});
}

TEST_F(DialogueTest, EveryChangeIsAudited) {
  plug_and_look(x0, "2", "480");
  answer("a");
  key(Kind::undo);
  answer("b");
  key(Kind::rename);
  answer("c");
  std::vector<std::string> events;
  for (const auto& record : split.audit.records)
    if (record.result == "done") events.push_back(record.event + " " + record.port);
  EXPECT_EQ(events, (std::vector<std::string>{"learn a", "forget a", "learn b", "rename b"}));
}

TEST_F(DialogueTest, ARefusedNameIsSaidAndCorrected) {
  plug_and_look(x0, "2", "480");
  answer("a");
  plug_and_look(x0, "1", "480");
  answer("a");
  ASSERT_TRUE(dialogue.question());
  EXPECT_THAT(dialogue.question()->refusal, HasSubstr("already names the port at"));
  EXPECT_EQ(dialogue.question()->answer, "a");
  type("b");
  EXPECT_EQ(dialogue.question()->refusal, "");
  key(Kind::enter);
  EXPECT_EQ(labels(), (std::vector<std::string>{"a", "ab"}));
}

TEST_F(DialogueTest, TheOtherHalfIsAskedForAndProven) {
  plug_and_look(x0, "2", "480");
  answer("a");
  EXPECT_THAT(said(), HasSubstr("a: now USB3"));
  plug_and_look(x0, "2", "5000");
  ASSERT_TRUE(dialogue.question());
  EXPECT_EQ(dialogue.question()->kind, Ask::other_half);
  EXPECT_EQ(dialogue.question()->answer, "a");
  answer("");
  EXPECT_TRUE(session.map().find("a")->proven());
  key(Kind::undo);
  EXPECT_FALSE(session.map().find("a")->proven()) << "the name stays";
}

TEST_F(DialogueTest, KeyboardsAndTheBootStickAreLeftAlone) {
  plug(x0, "1", "12", true);
  look();
  EXPECT_FALSE(dialogue.question());
  EXPECT_THAT(said(), HasSubstr("a keyboard"));
  UsbSpec stick;
  stick.speed = "5000";
  stick.disk = "sdz";
  split.host.plug(x2, "2", stick);
  split.host.add_mount("sdz", "/boot");
  look();
  EXPECT_FALSE(dialogue.question());
  EXPECT_THAT(said(), HasSubstr("/boot is mounted from it (sdz)"));
}

TEST_F(DialogueTest, AKeyboardThatIsKnownAsOneALittleLaterIsNotAskedForAnyMore) {
  plug(x0, "1", "12");
  look();
  ASSERT_TRUE(dialogue.question());
  plug(x0, "1", "12", true);
  look();
  EXPECT_FALSE(dialogue.question());
}

TEST_F(DialogueTest, ThePanelOfTheFirmwareIsProposed) {
  plug(x0, "2", "480");
  const auto before = inventory(split.root);
  const auto device = *std::find_if(before.devices.begin(), before.devices.end(),
                                    [](const auto& each) { return each.serial.starts_with(x0); });
  const auto port = split.root.resolve("sys/bus/usb/devices/" + device.name + "/port");
  ASSERT_TRUE(port);
  split.host.set_file(*port + "/physical_location/panel", "back\n");
  look();
  ASSERT_TRUE(dialogue.question());
  EXPECT_EQ(dialogue.question()->answer, "rear-1");
}

TEST_F(DialogueTest, ACommandLeavesTheQuestionWaiting) {
  plug_and_look(x0, "2", "480");
  answer("a");
  plug_and_look(x2, "1", "480");
  read();
  type("half-ty");
  key(Kind::rename);
  EXPECT_EQ(dialogue.question()->kind, Ask::rename);
  EXPECT_EQ(dialogue.waiting(), 1u);
  answer("better");
  ASSERT_TRUE(dialogue.question());
  EXPECT_EQ(dialogue.question()->answer, "half-ty");
  EXPECT_EQ(labels(), std::vector<std::string>{"better"});
}

TEST_F(DialogueTest, CtrlDEndsItAtAnyTime) {
  plug_and_look(x0, "2", "480");
  const auto order = dialogue.key({Kind::done, {}}, now);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->kind, Order::end);
}

TEST(LabelProposal, CountsOn) {
  PortMap map;
  const auto add = [&](const std::string& label) {
    map.ports.emplace_back();
    map.ports.back().label = label;
  };
  EXPECT_EQ(propose_label(map, "", ""), "socket-1");
  EXPECT_EQ(propose_label(map, "front", ""), "front-1");
  EXPECT_EQ(propose_label(map, "unknown", ""), "socket-1");
  add("front-1");
  add("front-2");
  EXPECT_EQ(propose_label(map, "", "front-1"), "front-3");
  EXPECT_EQ(propose_label(map, "front", ""), "front-3");
  EXPECT_EQ(propose_label(map, "", ""), "front-3") << "on goes what was learned last";
  EXPECT_EQ(propose_label(map, "", "desk"), "desk-2");
  EXPECT_EQ(propose_label(map, "", "2.1"), "2.2");
  EXPECT_EQ(propose_label(map, "", "hub 12345678"), "hub 12345678-2");
  const std::string longest(64, 'z');
  EXPECT_EQ(propose_label(map, "", longest), "socket-1") << "a name at its greatest length has no next one";
  EXPECT_TRUE(valid_label(propose_label(map, "", "口9")));
}

TEST_F(DialogueTest, ThePageFitsTheTerminal) {
  plug_and_look(x0, "2", "480");
  answer("前面板最左边的那一个1号口");
  plug_and_look(x2, "1", "5000");
  for (const auto& [width, height] : {std::pair{80, 24}, {132, 40}, {40, 10}, {20, 3}, {1, 1}, {300, 100}}) {
    SCOPED_TRACE(fmt::format("{} x {}", width, height));
    const auto page = learn_page(dialogue, width, height);
    EXPECT_EQ(page.lines.size(), static_cast<std::size_t>(height));
    for (const auto& line : page.lines) {
      std::size_t used = 0;
      for (const auto& span : line) used += display_width(span.text);
      EXPECT_LE(used, static_cast<std::size_t>(width));
    }
  }
}

TEST_F(DialogueTest, ThePageShowsTheSocketThatLitUp) {
  for (const char* path : {"1", "2"})
    for (const char* controller : {x0, x1, x2}) {
      if (controller == std::string(x1) && path == std::string("1")) continue;
      plug_and_look(controller, path, "480");
      read();
      const auto text = page(80, 18);
      EXPECT_THAT(text, HasSubstr(std::string("New socket: USB2 port ") + path + " of " + controller));
      const auto row = text.find("\n* ");
      ASSERT_NE(row, std::string::npos) << text;
      EXPECT_THAT(text.substr(row, 80), HasSubstr(controller)) << text;
      key(Kind::escape);
    }
}

TEST_F(DialogueTest, ThePageShowsHalvesOccupantsAndTheCursor) {
  plug_and_look(x0, "2", "480");
  answer("front-1");
  EXPECT_THAT(page(), HasSubstr("front-1"));
  EXPECT_THAT(page(), HasSubstr("2 seen"));
  EXPECT_THAT(page(), HasSubstr("2 ?"));
  EXPECT_THAT(page(), HasSubstr("Stick (480"));
  EXPECT_FALSE(learn_page(dialogue, 80, 24).cursor);
  plug_and_look(x2, "1", "480");
  read();
  type("中a");
  const auto cursor = learn_page(dialogue, 80, 24).cursor;
  ASSERT_TRUE(cursor);
  EXPECT_EQ(cursor->second, 7 + 3) << "a wide character takes two columns";
}

TEST(LearnText, IsCutAndWrappedByColumns) {
  EXPECT_EQ(cut_to("abc", 3), "abc");
  EXPECT_EQ(cut_to("abcd", 3), "ab…");
  EXPECT_EQ(cut_to("前面板", 5), "前面…");
  EXPECT_EQ(cut_to("前面板", 4), "前…");
  EXPECT_EQ(cut_to("abc", 0), "");
  EXPECT_EQ(wrapped("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrapped("", 7), std::vector<std::string>{""});
}

/// An answer from the phone, carried out as the program does. \return why it counts for nothing
std::string from_phone(DialogueTest& test, unsigned number, const std::string& name) {
  const auto [order, refusal] = test.dialogue.answered_elsewhere(number, name, test.now);
  if (order) test.carry_out(*order);
  return refusal;
}

TEST_F(DialogueTest, AnAnswerFromElsewhereCountsForItsQuestionOnly) {
  plug_and_look(x0, "2", "480");
  const unsigned first = dialogue.question()->number;
  plug_and_look(x2, "1", "480");
  EXPECT_EQ(from_phone(*this, first, "front-1"), "") << "nobody has to have read it on the screen";
  EXPECT_EQ(labels(), std::vector<std::string>{"front-1"});
  ASSERT_TRUE(dialogue.question());
  EXPECT_NE(dialogue.question()->number, first);
  EXPECT_THAT(from_phone(*this, first, "front-2"), HasSubstr("not asked for any more"));
  EXPECT_THAT(from_phone(*this, 0, "front-2"), HasSubstr("not asked for any more"));
  EXPECT_EQ(labels(), std::vector<std::string>{"front-1"});
  EXPECT_EQ(from_phone(*this, dialogue.question()->number, "前面板2号口"), "");
  EXPECT_EQ(labels().size(), 2u);
}

TEST_F(DialogueTest, ANameFromElsewhereIsRefusedAsOneThatIsTyped) {
  plug_and_look(x0, "2", "480");
  const unsigned number = dialogue.question()->number;
  for (const std::string& name : {std::string("<script>alert(1)</script>"), std::string("a\nb"), std::string("\xff"),
                                  std::string("\u202eabc"), std::string(300, 'a'), std::string("\033[2J")}) {
    EXPECT_EQ(from_phone(*this, number, name), "");
    ASSERT_TRUE(dialogue.question());
    EXPECT_EQ(dialogue.question()->number, number) << "the question stays";
    EXPECT_THAT(dialogue.question()->refusal, HasSubstr("a label is"));
    EXPECT_EQ(dialogue.question()->refusal, printable(dialogue.question()->refusal));
    EXPECT_EQ(dialogue.question()->answer, "socket-1") << "what stands in the field of the terminal is its own";
    EXPECT_THAT(page(), Not(HasSubstr("\033")));
  }
  EXPECT_EQ(refusals, 6);
  EXPECT_EQ(from_phone(*this, number, "front-1"), "");
  plug_and_look(x2, "1", "480");
  EXPECT_EQ(from_phone(*this, dialogue.question()->number, "front-1"), "");
  EXPECT_EQ(refusals, 7) << "taken";
  EXPECT_EQ(from_phone(*this, dialogue.question()->number, ""), "");
  EXPECT_FALSE(dialogue.question()) << "without a name it is skipped";
}

TEST_F(DialogueTest, ACommandOnTheTerminalComesBeforeAnAnswerFromElsewhere) {
  plug_and_look(x0, "2", "480");
  answer("front-1");
  plug_and_look(x2, "1", "480");
  const unsigned number = dialogue.question()->number;
  key(Kind::rename);
  const auto busy = nlohmann::json::parse(learn_state(dialogue));
  EXPECT_TRUE(busy["question"].is_null());
  EXPECT_TRUE(busy["elsewhere"].get<bool>());
  EXPECT_THAT(from_phone(*this, number, "left"), HasSubstr("asked something else first"));
  read();
  key(Kind::escape);
  ASSERT_TRUE(dialogue.question());
  EXPECT_EQ(dialogue.question()->number, number) << "the same question again";
  EXPECT_EQ(from_phone(*this, number, "left"), "");
  EXPECT_EQ(labels().size(), 2u);
}

TEST_F(DialogueTest, TheStateForAPhoneIsAValue) {
  EXPECT_TRUE(nlohmann::json::parse(learn_state(dialogue))["question"].is_null());
  plug_and_look(x0, "2", "480");
  const auto text = learn_state(dialogue);
  EXPECT_EQ(text, learn_state(dialogue));
  const auto question = nlohmann::json::parse(text)["question"];
  EXPECT_EQ(question["kind"], "name");
  EXPECT_EQ(question["proposal"], "socket-1");
  EXPECT_EQ(question["place"]["controller"], x0);
  EXPECT_EQ(question["place"]["port"], "2");
  EXPECT_EQ(question["place"]["half"], "USB2");
  read();
  type("half");
  EXPECT_EQ(text, learn_state(dialogue)) << "what is being typed on the terminal is not for the phone";
}

}  // namespace
}  // namespace hostsplit
