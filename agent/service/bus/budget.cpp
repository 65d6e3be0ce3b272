#include "service/bus/budget.hpp"

#include <systemd/sd-bus.h>

#include <cstring>

#include "service/loop/event_loop.hpp"

namespace hostsplit {
namespace {

std::string bounded(const char* text, std::size_t longest) {
  if (strnlen(text, longest + 1) > longest)
    throw OverBudget("a text of more than " + std::to_string(longest) + " bytes is not taken");
  return text;
}

}  // namespace

std::string text_argument(sd_bus_message* call, std::size_t longest) {
  const char* text = nullptr;
  require(sd_bus_message_read(call, "s", &text), "read", "an argument");
  return bounded(text, longest);
}

std::vector<std::string> texts_argument(sd_bus_message* call, std::size_t longest) {
  std::vector<std::string> texts;
  require(sd_bus_message_enter_container(call, 'a', "s"), "read", "an argument");
  for (const char* text = nullptr; require(sd_bus_message_read(call, "s", &text), "read", "an argument") > 0;) {
    if (texts.size() == budget::words)
      throw OverBudget("more than " + std::to_string(budget::words) + " texts are not taken");
    texts.push_back(bounded(text, longest));
  }
  require(sd_bus_message_exit_container(call), "read", "an argument");
  return texts;
}

Answers::Place::Place(std::shared_ptr<Answers> answers, std::uint32_t uid) : answers_(std::move(answers)), uid_(uid) {
  if (answers_->running_[uid_] >= budget::answers_of_a_user)
    throw OverBudget("the last answers to this user are still being computed");
  ++answers_->running_[uid_];
}

Answers::Place::~Place() {
  if (--answers_->running_[uid_] == 0) answers_->running_.erase(uid_);
}

}  // namespace hostsplit
