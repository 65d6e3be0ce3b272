// What operations return, as JSON for programs and as text for people.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "operations/report/doctor_report.hpp"
#include "operations/report/report.hpp"
#include "operations/report/wrap.hpp"
#include "support/machine_file.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using Json = nlohmann::json;
using testing::FakeHost;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SplitHost;
using ::testing::UnorderedElementsAreArray;
using Keys = std::vector<std::string>;

void expect_keys(const Json& object, const Keys& keys) {
  Keys found;
  for (const auto& [key, value] : object.items()) found.push_back(key);
  EXPECT_THAT(found, UnorderedElementsAreArray(keys)) << object.dump(2);
}

const Keys port_keys{"label", "usb2", "usb3", "proven", "device", "controller"};
const Keys finding_keys{"code", "severity", "subject", "message", "remedy"};

struct Article {
  FakeHost host;
  Root root{host.directory()};
  Article() { build_machine(host, testing::machine_path("trx40-article.toml")); }
};

TEST(StatusJson, HasTheDocumentedKeys) {
  Article article;
  const std::string text = status_json(status(observe(article.root)));
  EXPECT_EQ(text.back(), '\n');
  const Json json = Json::parse(text);
  expect_keys(json, {"version", "live", "configured", "applied", "pending_changes", "pending_reboot", "boot", "vms",
                     "controllers", "ports", "nodes", "findings"});
  expect_keys(json["boot"], {"initramfs", "images", "early", "rung", "rung_reason", "unhealthy_boots", "sitting_out"});
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["live"], false);
  EXPECT_EQ(json["configured"], true);
  EXPECT_EQ(json["applied"], false);
  EXPECT_EQ(json["pending_changes"], true);
  ASSERT_EQ(json["vms"].size(), 2u);
  EXPECT_EQ(json["vms"][0],
            (Json{{"vm", 101},
                  {"name", "fluent-a"},
                  {"node", 0},
                  {"memory", Json::array({{{"node", 0}, {"kib", 56 * kib_per_gib}}})},
                  {"ports", {"front-1", "front-2"}},
                  {"controllers", {"0000:03:00.3"}},
                  {"missing", {"0000:03:00.3 has driver xhci_hcd", "node 0 has 0 of 56 pages of 1 GiB"}}}));
  EXPECT_EQ(json["vms"][1]["ports"], (Json{"rear-1", "rear-2", "rear-3", "rear-4"})) << "those that go along, too";
  ASSERT_EQ(json["controllers"].size(), 4u);
  const Json& first = json["controllers"][0];
  expect_keys(first,
              {"address", "kind", "driver", "wanted_driver", "group", "node", "vm", "released", "holders", "ports"});
  EXPECT_EQ(first["address"], "0000:03:00.3");
  EXPECT_EQ(first["kind"], "xhci");
  EXPECT_EQ(first["driver"], "xhci_hcd");
  EXPECT_EQ(first["wanted_driver"], "vfio-pci");
  EXPECT_EQ(first["group"], 60);
  EXPECT_EQ(first["node"], 0);
  EXPECT_EQ(first["vm"], 101);
  EXPECT_EQ(json["controllers"][1]["vm"], nullptr) << "22:00.3 stays with the host";
  expect_keys(first["ports"][0], {"label", "usb2", "usb3", "proven", "device"});
  EXPECT_EQ(first["ports"][0]["label"], "front-1");
  EXPECT_EQ(first["ports"][0]["usb3"], (Json{{"path", "1"}, {"seen", true}}));
  for (const auto& port : json["ports"]) expect_keys(port, port_keys);
  for (const auto& finding : json["findings"]) expect_keys(finding, finding_keys);
}

TEST(StatusJson, NodesAndPagesInKib) {
  Article article;
  const Json node = Json::parse(status_json(status(observe(article.root))))["nodes"][0];
  expect_keys(node, {"node", "cpus", "memory_kib", "free_kib", "distances", "pages"});
  EXPECT_EQ(node["cpus"], "0-31,64-95");
  EXPECT_EQ(node["memory_kib"], 64 * kib_per_gib);
  EXPECT_EQ(node["distances"], (Json{10, 12}));
  for (const auto& pool : node["pages"]) expect_keys(pool, {"size", "total", "free", "surplus", "wanted"});
  const auto& pools = node["pages"];
  EXPECT_EQ(pools[0]["size"], 2048);
  EXPECT_EQ(pools[0]["wanted"], nullptr) << "nobody asked for small pages";
  EXPECT_EQ(pools[1]["size"], kib_per_gib);
  EXPECT_EQ(pools[1]["wanted"], 56);
}

TEST(StatusJson, AbsentValuesAreNullNeverMissing) {
  Status now;
  now.controllers.push_back({{0, 3, 0, 3}, ControllerKind::ehci, "", "", {}, {}, {}, {{24, 4711, "kvm", {}}}});
  now.ports.emplace_back();
  const Json json = Json::parse(status_json(now));
  const Json& controller = json["controllers"][0];
  for (const char* key : {"driver", "wanted_driver", "group", "node", "vm"})
    EXPECT_TRUE(controller.at(key).is_null()) << key;
  EXPECT_EQ(controller["holders"], (Json::array({{{"pid", 4711}, {"command", "kvm"}, {"vm", nullptr}}})));
  EXPECT_EQ(controller["ports"], Json::array());
  for (const char* key : {"label", "usb2", "usb3", "device", "controller"})
    EXPECT_TRUE(json["ports"][0].at(key).is_null()) << key;
  EXPECT_EQ(json["nodes"], Json::array());
  EXPECT_EQ(json["findings"], Json::array());
}

/// Names come from whoever built the stick.
Status with_device(const std::string& name) {
  SplitHost split;
  testing::UsbSpec spec;
  spec.product = name;
  split.host.plug("0000:03:00.3", "2", spec);
  return status(split.state());
}

TEST(ForeignNames, KeepJsonValid) {
  const std::string name = "a\x01\x1b[2J\"\\ \xff\xfe \xed\xa0\x80";
  Json json;
  ASSERT_NO_THROW(json = Json::parse(status_json(with_device(name))));
  bool found = false;
  for (const auto& port : json["ports"])
    if (port["device"].is_string() && port["device"].get<std::string>().starts_with("a\x01\x1b[2J\"\\ \uFFFD"))
      found = true;
  EXPECT_TRUE(found) << json["ports"].dump(2);
  ASSERT_NO_THROW(json = Json::parse(ports_json(with_device(name).ports)));
}

TEST(ForeignNames, CannotReachTheTerminal) {
  Status now = with_device("a\x01\x1b[2J\u009b31m\xff");
  now.controllers.front().holders.push_back({60, 7, "k\x1b]0;v\x07m", {}});
  now.findings.push_back({"x", Severity::error, "s\x1b[1m", "m\nfix: nothing", "r\r"});
  for (const std::string& text : {ports_text(now.ports, {}), status_text(now, {})}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\x07")));
    EXPECT_THAT(text, Not(HasSubstr("\r")));
    EXPECT_THAT(text, Not(HasSubstr("\u009b")));
    EXPECT_THAT(text, Not(HasSubstr("\xff")));
  }
  EXPECT_THAT(ports_text(now.ports, {}), HasSubstr("a\uFFFD\uFFFD[2J\uFFFD31m\uFFFD"));
  EXPECT_THAT(status_text(now, {}), Not(HasSubstr("\nfix: nothing"))) << "a message cannot forge a remedy";
}

TEST(PlanJson, HasTheDocumentedKeysForEachKindOfStep) {
  SplitHost split;
  split.configure_two_vms();
  const Plan plan = split.plan_now();
  const Json json = Json::parse(plan_json(plan));
  expect_keys(json, {"version", "empty", "steps", "writes", "pages", "command_lines", "findings"});
  EXPECT_EQ(json["empty"], false);
  EXPECT_EQ(json["writes"], nullptr);
  std::map<std::string, Keys> keys{{"load-module", {"module"}},
                                   {"bind", {"controller", "group", "vm", "port", "from", "to", "rung"}},
                                   {"reserve", {"node", "size", "from", "to", "vms"}},
                                   {"write-file", {"path"}},
                                   {"rebuild-initramfs", {"kernel", "carries", "rung"}}};
  std::set<std::string> kinds;
  for (const auto& step : json["steps"]) {
    const std::string kind = step["kind"];
    kinds.insert(kind);
    Keys expected{"id", "do", "reason", "kind"};
    expected.insert(expected.end(), keys[kind].begin(), keys[kind].end());
    expect_keys(step, expected);
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"load-module", "bind", "reserve", "write-file", "rebuild-initramfs"}));
  for (const auto& step : json["steps"])
    if (step["kind"] == "bind") {
      EXPECT_EQ(step["port"], nullptr) << "asked for by address";
      EXPECT_EQ(step["to"], "vfio-pci");
    } else if (step["kind"] == "write-file") {
      EXPECT_THAT(step["path"].get<std::string>(),
                  ::testing::AnyOf("/etc/hostsplit/boot/plan", HasSubstr("/etc/initramfs-tools/")));
    }
  EXPECT_EQ(Json::parse(plan_json(plan, {{"write x=y"}}))["writes"], Json::array({"write x=y"}));
}

TEST(PlanJson, ShowsKernelCommandLinesBeforeAndAfter) {
  SplitHost split;
  split.host.add_grub("quiet hugepages=64");
  split.configure("[vm.101]\nnode = 0\nmemory = \"8GiB\"\n");
  const Plan plan = split.plan_now();
  const Json json = Json::parse(plan_json(plan));
  ASSERT_EQ(json["command_lines"].size(), 1u);
  const Json& line = json["command_lines"][0];
  expect_keys(line, {"loader", "before", "after", "without", "pages_before", "pages_after"});
  EXPECT_EQ(line["before"], "quiet hugepages=64");
  EXPECT_EQ(line["without"], line["before"]);
  EXPECT_EQ(line["after"], "hugepagesz=1G hugepages=0:8 hugepages=8 hugepagesz=2M hugepages=64 quiet hugepages=64");
  EXPECT_EQ(line["pages_after"][0], (Json{{"size", 2048}, {"pages", 64}, {"by_node", Json::array()}}));
  EXPECT_THAT(plan_text(plan, {}), HasSubstr("huge pages before: 64 pages of 2 MiB\n"));
}

TEST(PlanJson, OfNothing) {
  const Json json = Json::parse(plan_json({}));
  EXPECT_EQ(json["empty"], true);
  EXPECT_EQ(json["steps"], Json::array());
  EXPECT_EQ(json["findings"], Json::array());
}

TEST(OutcomeJson, HasTheDocumentedKeys) {
  SplitHost split;
  split.configure_two_vms();
  const Plan plan = split.plan_now();
  split.effects.fail_next("0000:03:00.3/driver_override", EIO);
  const Outcome outcome = carry_out(split.context(), Apply{}).outcome;
  const Json json = Json::parse(outcome_json(outcome, plan));
  expect_keys(json, {"version", "ok", "results", "findings"});
  EXPECT_EQ(json["ok"], false);
  ASSERT_EQ(json["results"].size(), plan.steps.size());
  std::set<std::string> results;
  for (const auto& result : json["results"]) {
    expect_keys(result, {"id", "result", "detail"});
    results.insert(result["result"]);
    EXPECT_EQ(result["detail"].is_null(), result["result"] == "done") << result;
  }
  EXPECT_EQ(results, (std::set<std::string>{"done", "failed", "skipped"}));
  EXPECT_EQ(Json::parse(outcome_json({}, {}))["ok"], true);
}

/// Compares with tests/golden/NAME.txt; with HOSTSPLIT_REGENERATE=1 writes it.
void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(TESTS_DIR) + "/golden/" + name + ".txt";
  const char* regenerate = std::getenv("HOSTSPLIT_REGENERATE");
  if (regenerate && std::string(regenerate) == "1") {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream file(path);
  ASSERT_TRUE(file) << path << " is missing; write it with HOSTSPLIT_REGENERATE=1";
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << "if this is meant: HOSTSPLIT_REGENERATE=1, then look at the difference";
}

TEST(Golden, StatusOfTheArticlesMachine) {
  Article article;
  for (const std::size_t columns : {80, 132})
    expect_golden("trx40-article-status-" + std::to_string(columns),
                  fit(status_text(status(observe(article.root)), {false, columns}), columns));
}

TEST(Golden, PortsOfTheArticlesMachine) {
  Article article;
  expect_golden("trx40-article-ports", ports_text(status(observe(article.root)).ports, {false, 80}));
}

TEST(Golden, PlanOfTheArticlesMachine) {
  Article article;
  expect_golden("trx40-article-plan",
                fit(plan_text(plan_for(observe(article.root), Apply{}), {false, 80}, "hostsplit plan --verbose"), 80));
}

TEST(Golden, DoctorOnTheArticlesMachine) {
  Article article;
  expect_golden("trx40-article-doctor", fit(diagnosis_text(diagnose(article.root), {false, 80}, false), 80));
}

/// Of the first line, which says whether all is as wanted.
std::string first_line(const Status& now) {
  const auto text = status_text(now, {});
  return text.substr(0, text.find('\n'));
}

TEST(StatusText, SaysInItsFirstLineWhetherAllIsAsWanted) {
  SplitHost split;
  EXPECT_EQ(first_line(status(split.state())), "Not configured: hostsplit only observes and changes nothing.");
  split.configure_two_vms();
  EXPECT_THAT(first_line(status(split.state())), HasSubstr("not applied yet"));
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(first_line(status(split.state())), ::testing::StartsWith("Everything is as configured."));
  EXPECT_THAT(status_text(status(split.state()), {}), Not(HasSubstr("not as wanted")));
  split.host.set_pages(0, kib_per_gib, 3);
  EXPECT_THAT(first_line(status(split.state())), HasSubstr("not everything is as configured"));
  EXPECT_THAT(status_text(status(split.state()), {}), HasSubstr("not as wanted: node 0 has 3 of 8 pages of 1 GiB"));
}

TEST(StatusText, VmsComeBeforeControllers) {
  Article article;
  const auto text = status_text(status(observe(article.root)), {});
  const auto vm = text.find("\nVM 101 fluent-a: front-1, front-2, node 0, 56 GiB\n");
  ASSERT_NE(vm, std::string::npos) << text;
  EXPECT_LT(vm, text.find("0000:44:00.1  xhci"));
  EXPECT_THAT(text, HasSubstr("\nHost: desk-1, desk-2\n"));
}

TEST(PlanText, CountsFilesUnlessAllIsAskedFor) {
  SplitHost split;
  split.configure_two_vms();
  const Plan plan = split.plan_now();
  const auto brief = plan_text(plan, {}, "hostsplit plan --verbose");
  EXPECT_THAT(brief, HasSubstr("\nNow\n  load module vfio-pci\n"));
  EXPECT_THAT(brief, HasSubstr("  write 3 files (hostsplit plan --verbose lists them)\n\nAt the next boot\n"));
  EXPECT_THAT(brief, Not(HasSubstr("write /etc")));
  const auto all = plan_text(plan, {});
  EXPECT_THAT(all, HasSubstr("  1. write /etc/hostsplit/boot/plan\n     reason: "));
  EXPECT_THAT(all, Not(HasSubstr("lists them")));
}

TEST(PlanText, WhatIsToDoInProxmoxVeStandsTogether) {
  Plan plan;
  plan.findings = {{"pve-balloon", Severity::warning, "VM 101", "it balloons", "qm set 101 --balloon 0"},
                   {"plugged-in", Severity::info, "0000:03:00.3", "leaves with a stick", ""}};
  EXPECT_THAT(plan_text(plan, {}), HasSubstr("\nIn Proxmox VE, by hand\nwarning: VM 101: it balloons  [pve-balloon]\n"
                                             "  fix: qm set 101 --balloon 0\n\nnote: 0000:03:00.3: "));
}

TEST(Colour, OnlyWhereItIsWantedAndNeverInTheWidths) {
  Article article;
  const Status now = status(observe(article.root));
  std::string colourful = status_text(now, {true, 0});
  EXPECT_THAT(colourful, HasSubstr("\033[33mxhci_hcd (wanted: vfio-pci)\033[0m"));
  for (auto at = colourful.find('\033'); at != std::string::npos; at = colourful.find('\033'))
    colourful.erase(at, colourful.find('m', at) + 1 - at);
  EXPECT_EQ(colourful, status_text(now, {}));
}

TEST(FindingsText, ErrorsFirstAndEveryRemedyOnALineOfItsOwn) {
  const std::vector<Finding> findings{{"a", Severity::info, "one", "is noted", ""},
                                      {"b", Severity::error, "two", "is wrong", "Mend it"},
                                      {"c", Severity::warning, "three", "is odd", "Look"}};
  EXPECT_EQ(findings_text(findings, {}),
            "error: two: is wrong  [b]\n  fix: Mend it\nwarning: three: is odd  [c]\n  fix: Look\nnote: one: is noted  "
            "[a]\n");
}

TEST(FindingsText, WhatIsTheSameIsSaidOnce) {
  std::vector<Finding> findings;
  for (const char* subject : {"node 0", "node 1", "node 0"})
    findings.push_back({"a", Severity::error, subject, "is full", "Buy memory"});
  findings.push_back({"n", Severity::error, "sda", "is lost", "Look"});
  findings.push_back({"b", Severity::warning, "VM 101", "does not fit", "Buy memory"});
  EXPECT_EQ(findings_text(findings, {}),
            "error: node 0, node 1: is full  [a]\nwarning: VM 101: does not fit  [b]\n  fix: Buy memory\n"
            "error: sda: is lost  [n]\n  fix: Look\n");
}

}  // namespace
}  // namespace hostsplit
