// Where huge pages come from: the choice, its words, that they win over other words, and the way back.
#include "core/memory/kernel_command_line.hpp"
#include "core/memory/page_source.hpp"
#include "core/memory/placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/names.hpp"
#include "core/boot/boot_loader.hpp"
#include "core/checks/pve_lint.hpp"
#include "core/memory/pools.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using testing::find;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SplitHost;

using Words = std::vector<std::string>;

std::map<int, NumaNode> two_nodes() {
  std::map<int, NumaNode> nodes;
  for (const int id : {0, 1}) {
    nodes[id].id = id;
    nodes[id].memory = 64 * kib_per_gib;
  }
  return nodes;
}

Snapshot grub_machine() {
  Snapshot snapshot;
  snapshot.nodes = two_nodes();
  snapshot.boot.grub = true;
  return snapshot;
}

Reservation pages(int node, std::uint64_t count, Kib size = kib_per_gib) {
  return {node, size, count, {101}, {{101, count}}};
}

const std::vector<Reservation> big{pages(0, 56), pages(1, 56)}, small{pages(0, 512, 2048)};

TEST(PageRecipe, WordsAreExactAndReadByProxmoxVe) {
  const auto nodes = two_nodes();
  EXPECT_EQ(command_line_words({pages(0, 56), pages(1, 56)}, nodes), (Words{"hugepagesz=1G", "hugepages=112"}));
  EXPECT_EQ(command_line_words({pages(0, 56), pages(1, 40)}, nodes),
            (Words{"hugepagesz=1G", "hugepages=0:56,1:40", "hugepages=96"}));
  EXPECT_EQ(command_line_words({pages(1, 40)}, nodes), (Words{"hugepagesz=1G", "hugepages=1:40", "hugepages=40"}));
  EXPECT_EQ(
      command_line_words({pages(0, 512, 2048), pages(1, 8)}, nodes),
      (Words{"hugepagesz=2M", "hugepages=0:512", "hugepages=512", "hugepagesz=1G", "hugepages=1:8", "hugepages=8"}));
  EXPECT_EQ(command_line_words({}, nodes), Words{});
}

TEST(PageRecipe, TheKernelReadsWhatWasMeant) {
  for (const auto& reserved : std::vector<std::vector<Reservation>>{
           {pages(0, 56), pages(1, 40)}, {pages(1, 3)}, {pages(0, 512, 2048), pages(1, 512, 2048), pages(1, 8)}}) {
    std::string line = "ro quiet";
    for (const auto& word : command_line_words(reserved, two_nodes())) line += " " + word;
    std::uint64_t meant = 0, kernel = 0;
    for (const auto& item : reserved) meant += item.pages * item.page_size;
    for (const auto& found : pages_kernel_reads(line)) {
      std::uint64_t count = found.anywhere;
      for (const auto& [node, number] : found.by_node) count += number;
      kernel += count * found.page_size;
    }
    EXPECT_EQ(kernel, meant) << line;
  }
}

TEST(PageRecipe, IsChosenWithAReason) {
  Snapshot machine = grub_machine();
  EXPECT_EQ(choose_pages(small, machine).source, PageSource::run_time);
  EXPECT_EQ(choose_pages(big, machine).source, PageSource::command_line);
  EXPECT_FALSE(choose_pages(big, machine).needs_keep_hugepages);
  EXPECT_EQ(choose_pages(big, machine, PageSource::run_time).words, Words{});
  EXPECT_TRUE(choose_pages(big, machine, PageSource::run_time).needs_keep_hugepages);
  EXPECT_EQ(choose_pages(small, machine, PageSource::command_line).words,
            (Words{"hugepagesz=2M", "hugepages=0:512", "hugepages=512"}));
}

TEST(PageRecipe, WithoutABootLoaderRunTimeIsChosen) {
  Snapshot machine = grub_machine();
  machine.boot.proxmox_boot = machine.boot.efi = true;
  EXPECT_EQ(choose_pages(big, machine).source, PageSource::command_line);
  machine.boot = {};
  EXPECT_EQ(choose_pages(big, machine).source, PageSource::run_time);
  EXPECT_THAT(choose_pages(big, machine).reason, HasSubstr("neither GRUB"));
}

TEST(PageRecipe, CmaOnlyWhereTheKernelHasIt) {
  Snapshot machine = grub_machine();
  Config config;
  config.pages = PageSource::cma;
  const auto unknown = source_pages(big, machine, config, {});
  EXPECT_EQ(unknown.recipe->source, PageSource::command_line);
  EXPECT_THAT(unknown.recipe->reason, HasSubstr("cannot be read"));
  ASSERT_TRUE(find(unknown.findings, "pages-source"));
  machine.boot.build = {true, false};
  EXPECT_THAT(choose_pages(big, machine, PageSource::cma).reason, HasSubstr("built without CMA"));
  machine.boot.build = {true, true};
  const auto possible = source_pages(big, machine, config, {});
  EXPECT_EQ(possible.recipe->words, Words{"hugetlb_cma=0:56G,1:56G"});
  EXPECT_TRUE(possible.recipe->needs_keep_hugepages);
  EXPECT_FALSE(find(possible.findings, "pages-source"));
  EXPECT_EQ(choose_pages(small, machine, PageSource::cma).source, PageSource::run_time) << "it is for 1 GiB";
}

TEST(PageRecipe, TheNextBootIsJudgedWhateverTheSource) {
  Snapshot snapshot = grub_machine();
  Config config;
  config.pages = PageSource::run_time;
  const auto codes = [&](const std::string& settings) {
    snapshot.boot.grub_settings = {{"etc/default/grub", settings}};
    return source_pages({pages(0, 8)}, snapshot, config, {}).findings;
  };
  EXPECT_THAT(codes("GRUB_CMDLINE_LINUX=\"quiet\"\n"), ::testing::IsEmpty());
  EXPECT_TRUE(find(codes("GRUB_CMDLINE_LINUX=\"hugepagesz=1G hugepages=124\"\n"), "boot-pages-over-floor"));
  EXPECT_TRUE(find(codes("GRUB_CMDLINE_LINUX=\"mem=44G\"\n"), "nodes-change-at-boot"));
  EXPECT_TRUE(find(codes("GRUB_CMDLINE_LINUX=\"numa=off\"\n"), "nodes-change-at-boot"));
  snapshot.command_line = "quiet mem=44G";
  EXPECT_FALSE(find(codes("GRUB_CMDLINE_LINUX=\"mem=44G\"\n"), "nodes-change-at-boot"));
  EXPECT_TRUE(find(codes("GRUB_CMDLINE_LINUX=\"\"\n"), "nodes-change-at-boot"));
}

TEST(PageRecipe, MoreThanIsKeptAtRunTimeIsReportedBeforeItIsReturned) {
  Snapshot snapshot = grub_machine();
  snapshot.command_line = "hugepagesz=1G hugepages=0:16";
  Config config;
  config.pages = PageSource::run_time;
  EXPECT_TRUE(find(source_pages({pages(0, 8)}, snapshot, config, {}).findings, "pages-words-foreign"));
  EXPECT_FALSE(find(source_pages({pages(0, 16)}, snapshot, config, {}).findings, "pages-words-foreign"));
  EXPECT_FALSE(find(source_pages({pages(1, 8)}, snapshot, config, {}).findings, "pages-words-foreign"));
}

TEST(PageRecipe, ProxmoxVeTakesQuotesOff) {
  EXPECT_EQ(pages_pve_reads("quiet hugepagesz=1G hugepages=\"80\"", kib_per_gib), 80);
  EXPECT_EQ(pages_pve_reads("\"hugepagesz=1G\" 'hugepages=80'", kib_per_gib), 80);
  EXPECT_EQ(pages_pve_reads("a=\"b hugepagesz=1G hugepages=80", kib_per_gib), 0);
}

TEST(PageRecipe, AWriteToSysctlComesAfterAllCounts) {
  const KernelRules rules;
  const auto read = [&](const char* line) { return read_huge_pages(line, rules).pages; };
  using All = std::vector<CommandLinePages>;
  EXPECT_EQ(read("default_hugepagesz=1G sysctl.vm.nr_hugepages=120"), (All{{kib_per_gib, {}, 120}}));
  EXPECT_EQ(read("sysctl/vm/nr_hugepages=10 hugepages=0:4"), (All{{2048, {{0, 4}}, 6}}));
  EXPECT_EQ(read("hugepages=40 sysctl.vm.nr_hugepages=8"), (All{{2048, {}, 8}}));
  EXPECT_EQ(read("hugepages=40 sysctl.vm.nr_hugepages=0"), All{});
  EXPECT_EQ(read("sysctl.vm.nr_hugepages_x=8"), All{});
}

TEST(PageRecipe, CountsBesideAreasOfCma) {
  const std::string line = "hugetlb_cma=96G hugepagesz=1G hugepages=0:20,1:20 hugepages=40 hugepagesz=2M hugepages=64";
  using All = std::vector<CommandLinePages>;
  using Why = IgnoredParameter::Why;
  KernelRules rules;
  rules.cma = true;
  const KernelReading skipped = read_huge_pages(line, rules);
  EXPECT_EQ(skipped.pages, (All{{2048, {}, 64}}));
  ASSERT_EQ(skipped.ignored.size(), 2u);
  for (const auto& each : skipped.ignored) EXPECT_EQ(each.why, Why::with_cma) << each.text;
  const std::string only = "hugetlb_cma=96G hugetlb_cma_only=1 hugepagesz=1G hugepages=40";
  EXPECT_EQ(read_huge_pages(only, rules).pages, (All{{kib_per_gib, {}, 40}}));
  rules.noted_first = false;
  EXPECT_EQ(read_huge_pages(only, rules).pages, All{}) << "since 6.15";
  rules = {};
  ASSERT_EQ(read_huge_pages(only, rules).ignored.size(), 1u);
  EXPECT_EQ(read_huge_pages(only, rules).ignored[0].why, Why::without_cma);
  rules.cma_known = false;
  const KernelReading unknown = read_huge_pages("hugetlb_cma=96G hugepagesz=1G hugepages=40", rules);
  EXPECT_EQ(unknown.pages, (All{{kib_per_gib, {}, 40}}));
  ASSERT_EQ(unknown.ignored.size(), 1u);
  EXPECT_EQ(unknown.ignored[0].why, Why::maybe_with_cma);
}

TEST(PageRecipe, WhatTheRecordHasOfTheRunningLineIsNoStrangers) {
  Snapshot snapshot = grub_machine();
  snapshot.command_line = "hugepagesz=1G hugepages=0:16 hugepages=16 quiet";
  Baseline baseline;
  EXPECT_TRUE(find(source_pages({pages(0, 8)}, snapshot, {}, baseline).findings, "pages-words-foreign"));
  baseline.edits.push_back({names::kernel_cmdline, {"hugepagesz=1G", "hugepages=0:16", "hugepages=16"}, {}});
  EXPECT_FALSE(find(source_pages({pages(0, 8)}, snapshot, {}, baseline).findings, "pages-words-foreign"));
  snapshot.command_line = "hugepagesz=1G hugepages=0:24 hugepages=24 quiet";
  EXPECT_TRUE(find(source_pages({pages(0, 8)}, snapshot, {}, baseline).findings, "pages-words-foreign"));
}

TEST(PageRecipe, NothingWantedNeedsNoSource) {
  EXPECT_FALSE(source_pages({}, grub_machine(), {}, {}).recipe);
  EXPECT_FALSE(source_pages({pages(0, 0)}, grub_machine(), {}, {}).recipe);
}

TEST(PageRecipe, KernelBuild) {
  EXPECT_EQ(parse_kernel_build("MemTotal:       16 kB\nMemFree: 1 kB\n"), (KernelBuild{true, false}));
  EXPECT_EQ(parse_kernel_build("MemTotal:       16 kB\nCmaTotal:       0 kB\nCmaFree: 0 kB\n"),
            (KernelBuild{true, true}));
  EXPECT_EQ(parse_kernel_build(""), KernelBuild{});
}

TEST(CommandLine, WhatTheKernelReads) {
  using Pages = std::vector<CommandLinePages>;
  EXPECT_EQ(pages_kernel_reads("hugepagesz=1G hugepages=0:1,1:2 hugepages=3"),
            (Pages{{kib_per_gib, {{0, 1}, {1, 2}}, 0}}));
  EXPECT_EQ(pages_kernel_reads("default_hugepagesz=1G hugepages=4"), (Pages{{kib_per_gib, {}, 4}}));
  EXPECT_EQ(pages_kernel_reads("hugepages=4"), (Pages{{2048, {}, 4}}));
  EXPECT_EQ(pages_kernel_reads("hugepages=4 hugepagesz=1024M hugepages=2"),
            (Pages{{2048, {}, 4}, {kib_per_gib, {}, 2}}));
  EXPECT_EQ(pages_kernel_reads("hugepagesz=1G hugepages=x hugepages="), Pages{});
  EXPECT_EQ(pages_kernel_reads("hugepagesz=huge hugepages=4"), Pages{});
  EXPECT_EQ(pages_kernel_reads(""), Pages{});
}

// As mm/hugetlb.c: a size that was named before is ignored together with the count behind it.
TEST(CommandLine, TheFirstCountOfASizeWins) {
  using Pages = std::vector<CommandLinePages>;
  const Pages ours{{kib_per_gib, {{0, 2}, {1, 2}}, 0}};
  const std::string words = "hugepagesz=1G hugepages=0:2,1:2 hugepages=4";
  EXPECT_EQ(pages_kernel_reads(words + " quiet hugepagesz=1G hugepages=14"), ours);
  EXPECT_EQ(pages_kernel_reads(words + " default_hugepagesz=1G hugepages=14"), ours);
  EXPECT_EQ(pages_kernel_reads(words + " hugepagesz=1G hugepages=0:7,1:7 hugepages=14"), ours);
  EXPECT_EQ(pages_kernel_reads("hugepagesz=1G hugepages=14 " + words), (Pages{{kib_per_gib, {}, 14}}));
  EXPECT_EQ(pages_pve_reads(words + " hugepagesz=1G hugepages=14", kib_per_gib), 4u);
}

/// The article's machine with GRUB; both VMs get 8 GiB.
struct PagesHost : SplitHost {
  explicit PagesHost(const std::string& words = "quiet") {
    host.add_grub(words);
    run(words);
    pages("");
  }
  void run(const std::string& words) { host.set_kernel("6.17.13-2-pve", words); }
  void pages(const std::string& host_keys) {
    configure("[host]\n" + host_keys +
              "\n[vm.101]\nnode = 0\nmemory = \"8GiB\"\n[vm.102]\nnode = 1\nmemory = \"8GiB\"\n");
  }
  std::string menu() const { return host.file(names::grub_config); }
};

TEST(PageSource, TheKernelGetsItsWordsAndTheEntryWithoutHostsplitDoesNot) {
  PagesHost split;
  const std::string before = split.menu();
  const Plan plan = split.plan_now();
  ASSERT_TRUE(plan.pages);
  EXPECT_EQ(plan.pages->source, PageSource::command_line);
  EXPECT_TRUE(plan.pages->pending);
  EXPECT_FALSE(status(split.state()).pending_reboot) << "nothing waits before apply";
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.menu(), "  linux /vmlinuz hugepagesz=1G hugepages=16 quiet\n  linux /vmlinuz quiet hostsplit=off\n");
  EXPECT_EQ(split.SplitHost::pages(0), 8u) << "live at once all the same";
  EXPECT_TRUE(split.plan_now().steps.empty());
  EXPECT_TRUE(find(split.plan_now().findings, "pages-after-reboot"));
  EXPECT_TRUE(status(split.state()).pending_reboot);
  split.run("hugepagesz=1G hugepages=16 quiet");
  EXPECT_FALSE(status(split.state()).pending_reboot);
  EXPECT_TRUE(split.plan_now().findings.empty());
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(split.menu(), before);
  EXPECT_FALSE(split.root.exists(names::grub_words));
  EXPECT_EQ(split.SplitHost::pages(0), 0u);
}

TEST(PageSource, AnotherWishChangesTheWords) {
  PagesHost split;
  ASSERT_TRUE(split.apply_now().ok());
  split.pages("pages = \"run-time\"");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(split.menu(), Not(HasSubstr("hugepages")));
  EXPECT_TRUE(split.plan_now().steps.empty());
  EXPECT_FALSE(status(split.state()).pending_reboot);
  split.pages("pages = \"cma\"");
  split.host.set_file("proc/meminfo", "MemTotal: 131072000 kB\nCmaTotal: 0 kB\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(split.menu(), HasSubstr("hugetlb_cma=0:8G,1:8G quiet\n"));
  EXPECT_THAT(split.menu(), HasSubstr("linux /vmlinuz quiet hostsplit=off"));
}

TEST(PageSource, OursComeBeforeThoseOfSomebodyElse) {
  PagesHost split("quiet hugepagesz=1G hugepages=120");
  const Plan plan = split.plan_now();
  const Finding* told = find(plan.findings, "pages-words-foreign");
  ASSERT_TRUE(told);
  EXPECT_THAT(told->message,
              HasSubstr("hugepagesz=1G hugepages=120 was not set by hostsplit: hostsplit's parameters come first"));
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(split.menu(), HasSubstr("linux /vmlinuz hugepagesz=1G hugepages=16 quiet hugepagesz=1G hugepages=120\n"));
  EXPECT_FALSE(find(split.plan_now().findings, "pages-words-foreign")) << "what runs may be ours from before";
  split.run("hugepagesz=1G hugepages=16 quiet hugepagesz=1G hugepages=120");
  EXPECT_TRUE(find(split.plan_now().findings, "pages-words-foreign")) << "the entry without hostsplit has it";
  split.run("hugepagesz=1G hugepages=120 hugepagesz=1G hugepages=16 quiet");
  told = nullptr;
  const Plan beaten = split.plan_now();
  told = find(beaten.findings, "pages-words-foreign");
  ASSERT_TRUE(told);
  EXPECT_THAT(told->message, HasSubstr("it comes first"));
}

TEST(PageSource, MoreThanFitsGetsNoWords) {
  PagesHost split;
  split.pages("keep_free = \"60GiB\"");
  const Plan plan = split.plan_now();
  EXPECT_TRUE(has_errors(plan.findings));
  EXPECT_FALSE(plan.pages);
}

TEST(PageSource, AWordOfTheConfigurationThatIsNoneIsToldWithTheOthers) {
  PagesHost split;
  split.pages("pages = \"boot\"");
  try {
    split.plan_now();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"auto\", \"run-time\", \"command-line\", \"cma\""));
  }
}

Snapshot with_grub(const std::string& settings) {
  Snapshot machine = grub_machine();
  machine.kernel = "6.17.13-2-pve";
  machine.boot.grub_settings = {{"etc/default/grub", settings}};
  return machine;
}

Words placed(const Snapshot& machine, std::vector<Finding>* findings = nullptr) {
  const std::vector<Reservation> unequal{pages(0, 50), pages(1, 40)};
  const Placement placement = place_pages(unequal, machine, owners_lines(machine, {}));
  Words words;
  for (const auto& each : placement.words) words.push_back((each.very_first ? "^" : "") + each.word);
  if (findings) *findings = placement.findings;
  return words;
}

// Whatever the owner has: our pools as wanted, those of other sizes as before.
TEST(Placement, PoolsOfOthersAreKept) {
  EXPECT_EQ(placed(with_grub("GRUB_CMDLINE_LINUX_DEFAULT=quiet\n")),
            (Words{"hugepagesz=1G", "hugepages=0:50,1:40", "hugepages=90"}));
  std::vector<Finding> findings;
  EXPECT_EQ(placed(with_grub("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet hugepages=1280\"\n"), &findings),
            (Words{"hugepagesz=1G", "hugepages=0:50,1:40", "hugepages=90", "hugepagesz=2M", "hugepages=1280"}));
  EXPECT_TRUE(find(findings, "boot-pages-repeated"));
  EXPECT_EQ(placed(with_grub("GRUB_CMDLINE_LINUX_DEFAULT=\"default_hugepagesz=1G hugepagesz=1G hugepages=2 "
                             "hugepagesz=2M hugepages=1024\"\n")),
            (Words{"hugepagesz=1G", "hugepages=0:50,1:40", "hugepagesz=2M", "hugepages=1024", "default_hugepagesz=1G"}))
      << "five are read, and the default size is one of them";
}

TEST(Placement, WhatStandsInGrubCmdlineLinuxComesFirst) {
  std::vector<Finding> findings;
  const auto machine = with_grub("GRUB_CMDLINE_LINUX=\"default_hugepagesz=1G hugepagesz=1G hugepages=16\"\n");
  EXPECT_EQ(placed(machine, &findings), (Words{"^hugepagesz=1G", "^hugepages=0:50,1:40", "^hugepages=90"}));
  ASSERT_TRUE(find(findings, "grub-linux-first"));
  EXPECT_FALSE(has_errors(findings));
}

TEST(Placement, ASettingOnlyAShellCanFollowIsTold) {
  std::vector<Finding> findings;
  placed(with_grub("GRUB_CMDLINE_LINUX=\"$(cat /x)\"\n"), &findings);
  EXPECT_TRUE(find(findings, "grub-not-understood"));
}

/// A node that lost memory since `apply`.
TEST(BootPages, OnASmallerNodeTheFloorComesFirst) {
  Snapshot snapshot;
  NumaNode& node = snapshot.nodes[0];
  node.memory = 32 * kib_per_gib;
  node.pools = {{kib_per_gib, 30, 30, 0}};
  const BootPlan applied{{}, {pages(0, 56)}, 8 * kib_per_gib};
  const auto steps = boot_page_steps(snapshot, applied);
  ASSERT_EQ(steps.size(), 1u);
  const auto& reserve = std::get<Reserve>(steps[0].action);
  EXPECT_EQ(reserve.to, 24u);
  EXPECT_EQ(reserve.shares.at(101), 56u) << "who finds no room is told from this";
  node.pools[0].total = node.pools[0].free = 0;
  EXPECT_EQ(std::get<Reserve>(boot_page_steps(snapshot, applied)[0].action).to, 56u) << "clamped when it is asked for";
}

}  // namespace
}  // namespace hostsplit
