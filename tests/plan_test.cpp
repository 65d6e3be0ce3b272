// Plans as text: tests/cases/<name>/ holds a configuration, the machine it is for, and the plan that must come out.
// HOSTSPLIT_REGENERATE=1 rewrites the expected files; the difference is reviewed like code.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/error.hpp"
#include "operations/boot.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/report.hpp"
#include "operations/status.hpp"
#include "support/machine_file.hpp"

namespace hostsplit {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void copy_if_there(const fs::path& from, testing::FakeHost& host, const std::string& to) {
  if (fs::exists(from)) host.set_file(to, slurp(from));
}

/// The first line of config.toml says which machine: "# machine: trx40-article".
std::string machine_of(const fs::path& config) {
  const std::string text = slurp(config);
  const std::string key = "# machine: ";
  EXPECT_EQ(text.rfind(key, 0), 0u) << config;
  return text.substr(key.size(), text.find('\n') - key.size());
}

/// What is below extra/ lies on the machine as well.
void copy_extra(const fs::path& extra, testing::FakeHost& host) {
  if (!fs::exists(extra)) return;
  for (const auto& entry : fs::recursive_directory_iterator(extra))
    if (entry.is_regular_file()) host.set_file(fs::relative(entry.path(), extra).string(), slurp(entry.path()));
}

std::string planned(const fs::path& directory) {
  testing::FakeHost host;
  testing::build_machine(host, testing::machine_path(machine_of(directory / "config.toml") + ".toml"));
  copy_if_there(directory / "config.toml", host, "etc/hostsplit/hostsplit.toml");
  copy_if_there(directory / "ports.toml", host, "var/lib/hostsplit/ports.toml");
  copy_if_there(directory / "baseline.toml", host, "var/lib/hostsplit/journal/baseline.toml");
  copy_if_there(directory / "boot-plan", host, "etc/hostsplit/boot/plan");
  copy_extra(directory / "extra", host);
  const Root root(host.directory());
  std::string text;
  try {
    text = plan_text(plan_for(observe(root), Apply{}), Paint{});
  } catch (const Error& error) {
    text = std::string("error: ") + error.what() + "\n";
  }
  // Paths in messages name the directory the machine was built in, another one in each run.
  for (auto at = text.find(host.directory()); at != std::string::npos; at = text.find(host.directory()))
    text.erase(at, host.directory().size());
  return text;
}

class PlanCase : public ::testing::TestWithParam<fs::path> {};

TEST_P(PlanCase, IsAsExpected) {
  const fs::path expected = GetParam() / "plan.txt";
  const std::string text = planned(GetParam());
  if (std::getenv("HOSTSPLIT_REGENERATE")) std::ofstream(expected) << text;
  EXPECT_EQ(text, slurp(expected)) << GetParam();
}

std::vector<fs::path> cases() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(fs::path(TESTS_DIR) / "cases"))
    if (entry.is_directory()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string case_name(const ::testing::TestParamInfo<fs::path>& info) {
  std::string name = info.param.filename().string();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, PlanCase, ::testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace hostsplit
