// hostsplit(8) has every verb and every option of the verb table, and no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "cli/command_line.hpp"

namespace hostsplit {
namespace {

using Words = std::vector<std::string>;

/// A line of roff as it is read: no macro, no fonts, no quotes.
std::string plain(std::string line) {
  if (line.starts_with('.')) line.erase(0, std::min(line.find(' '), line.size()));
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
      if (line[i] == 'f') ++i;
      if (line[i] == '-') text += '-';
      continue;
    }
    if (line[i] != '"') text += line[i];
  }
  return text;
}

Words words_of(const std::string& text) {
  std::istringstream in(text);
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

struct Section {
  std::string title, text;
  Words heads;  ///< of its entries
};

std::vector<Section> page() {
  std::ifstream file(std::string(TESTS_DIR) + "/../docs/man/hostsplit.8");
  std::vector<Section> sections;
  bool head = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(".SH")) {
      sections.push_back({words_of(line.substr(3)).empty() ? "" : line.substr(4), "", {}});
      continue;
    }
    if (sections.empty()) continue;
    if (head) sections.back().heads.push_back(plain(line));
    head = line == ".TP";
    sections.back().text += plain(line) + "\n";
  }
  return sections;
}

bool about_verbs(const Section& section) {
  for (const char* title : {"SETTING UP", "VERBS THAT OBSERVE", "LEARNING", "VERBS THAT ACT", "RESOURCE MAPPINGS",
                            "RUN BY SYSTEMD", "RUN BY PROXMOX VE"})
    if (section.title == title) return true;
  return false;
}

/// Each verb of the table with its parents, "ports rename", and the parser of its options.
std::map<std::string, const CLI::App*> verbs(const cli::CommandLine& line) {
  std::map<std::string, const CLI::App*> all;
  for (const auto& [app, verb] : line.verbs)
    all[(verb->parent ? std::string(verb->parent) + " " : std::string()) + verb->name] = app;
  return all;
}

/// "-y" and "--yes", without those every verb has.
std::set<std::string> options_of(const CLI::App& app) {
  std::set<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const auto& name : option->get_lnames())
      if (name != "help") names.insert("--" + name);
    for (const auto& name : option->get_snames())
      if (name != "h") names.insert("-" + name);
  }
  return names;
}

/// True if the name stands there by itself: "-v", not the beginning of "-version" nor the end of "--v".
bool has_word(const std::string& text, const std::string& name) {
  const auto part_of_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-'; };
  for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const auto end = at + name.size();
    if ((at == 0 || !part_of_word(text[at - 1])) && (end == text.size() || !part_of_word(text[end]))) return true;
  }
  return false;
}

/// The verb an entry is about, of two words where the first two are one: "ports rename". Otherwise its first word.
std::string verb_of(const std::string& head, const std::map<std::string, const CLI::App*>& all) {
  const Words words = words_of(head);
  if (words.size() > 1 && all.count(words[0] + " " + words[1])) return words[0] + " " + words[1];
  return words.empty() ? "" : words[0];
}

/// A key of the screen of `learn`.
bool is_key(const std::string& word) {
  return word.starts_with("Ctrl-") || word == "Enter" || word == "Esc" || word == "Up";
}

TEST(ManPage, HasEveryVerbWithEveryOption) {
  const cli::CommandLine line;
  const auto sections = page();
  ASSERT_GT(sections.size(), 10u);
  const auto all = verbs(line);
  for (const auto& [verb, app] : all) {
    const Section* of = nullptr;
    for (const auto& section : sections)
      for (const auto& head : section.heads)
        if (about_verbs(section) && verb_of(head, all) == verb) of = &section;
    ASSERT_NE(of, nullptr) << verb << " has no entry";
    for (const auto& option : options_of(*app)) EXPECT_TRUE(has_word(of->text, option)) << verb << " " << option;
  }
  for (const auto& section : sections)
    if (section.title == "OPTIONS") {
      for (const auto& option : options_of(line.app)) EXPECT_TRUE(has_word(section.text, option)) << option;
    }
}

TEST(ManPage, HasNoOther) {
  const cli::CommandLine line;
  const auto known = verbs(line);
  std::set<std::string> options{"--help", "--version"};
  for (const auto& [verb, app] : known) options.merge(options_of(*app));
  options.merge(options_of(line.app));
  int heads = 0;
  for (const auto& section : page()) {
    if (!about_verbs(section) && section.title != "OPTIONS") continue;
    for (const auto& head : section.heads) {
      ++heads;
      const Words words = words_of(head);
      ASSERT_FALSE(words.empty()) << section.title;
      if (!words[0].starts_with('-') && !is_key(words[0])) {
        EXPECT_EQ(known.count(verb_of(head, known)), 1u) << section.title << ": " << head;
      }
      for (std::string word : words) {
        while (!word.empty() && (word.front() == '[' || word.back() == ',' || word.back() == ']'))
          word.front() == '[' ? word.erase(0, 1) : word.erase(word.size() - 1);
        if (word.starts_with('-')) {
          EXPECT_EQ(options.count(word), 1u) << section.title << ": " << head;
        }
      }
    }
  }
  EXPECT_GT(heads, 25);
}

}  // namespace
}  // namespace hostsplit
