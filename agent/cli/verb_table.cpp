#include "cli/verb_table.hpp"

#include <CLI/CLI.hpp>

namespace hostsplit::cli {
namespace {

void nothing(CLI::App&, Options&) {}

/// Without a description of its own, which would stand in the help.
CLI::Validator positive() {
  return CLI::Validator(CLI::PositiveNumber).description("");
}

void json(CLI::App& app, Options& o) {
  app.add_flag("--json", o.json, "Print JSON, for programs");
}

void verbose(CLI::App& app, Options& o, const char* what) {
  app.add_flag("-v,--verbose", o.verbose, what);
}

void status_options(CLI::App& app, Options& o) {
  json(app, o);
  app.add_flag("-w,--watch", o.watch, "Show it again whenever it changes, until Ctrl-C");
}

void doctor_options(CLI::App& app, Options& o) {
  json(app, o);
  verbose(app, o, "List the checks that are ok, too");
}

void plan_options(CLI::App& app, Options& o) {
  json(app, o);
  verbose(app, o, "List every step in its order, each file that is written, too");
  app.add_flag("--check", o.check, "Exit 4 if there is something to do");
}

void acting(CLI::App& app, Options& o) {
  json(app, o);
  app.add_flag("-y,--yes", o.yes, "Do not ask");
  app.add_flag("-n,--dry-run", o.dry_run, "Print every single write instead of doing it");
}

void setup_options(CLI::App& app, Options& o) {
  acting(app, o);
  app.add_option("--vm", o.vms, "A VM, its sockets and its memory; once for each VM. What is left out is proposed")
      ->allow_extra_args(false)
      ->type_name("VMID[=LABEL,...][:SIZE]");
}

void flip_options(CLI::App& app, Options& o) {
  acting(app, o);
  app.add_option("what", o.words, "Labels of ports or PCI addresses; whole IOMMU groups go")
      ->required()
      ->type_name("LABEL|ADDRESS");
}

void learn_options(CLI::App& app, Options& o) {
  auto* labels = app.add_option("--labels", o.labels,
                                "Names in the order of plugging, separated by commas; ends when all are used")
                     ->delimiter(',')
                     ->type_name("A,B,C");
  app.add_option("--timeout", o.timeout, "Wait at most this long; what was learned stays")
      ->check(positive())
      ->type_name("SECONDS");
  app.add_flag("--fresh", o.fresh, "Start with an empty map; a damaged ports.toml is kept aside");
  app.add_flag("--web{default-route}", o.web,
               "Name the sockets on a phone, too: a page for one phone until learning ends")
      ->type_name("[=ADDRESS[:PORT]]")
      ->excludes(labels);
}

void rename_options(CLI::App& app, Options& o) {
  app.add_option("labels", o.words, "The label it has, and the new one")->expected(2)->required()->type_name("OLD NEW");
}

void forget_options(CLI::App& app, Options& o) {
  app.add_option("label", o.words, "The label to forget")->expected(1)->required()->type_name("LABEL");
}

void export_options(CLI::App& app, Options& o) {
  app.add_option("file", o.words, "A new file; without: standard output")->expected(0, 1)->type_name("FILE");
}

void import_options(CLI::App& app, Options& o) {
  app.add_flag("-y,--yes", o.yes, "Do not ask");
  app.add_flag("-n,--dry-run", o.dry_run, "Only show what would be different");
  app.add_option("file", o.words, "What ports export wrote")->expected(1)->required()->type_name("FILE");
}

void snapshot_options(CLI::App& app, Options& o) {
  json(app, o);
  app.add_flag("--no-scrub", o.no_scrub, "With all names, addresses and serial numbers: not for others");
  app.add_option("file", o.words, "A new file; without: hostsplit-snapshot.txt; -: standard output")
      ->expected(0, 1)
      ->type_name("FILE");
}

void verify_options(CLI::App& app, Options& o) {
  json(app, o);
  auto* vms = app.add_option("vms", o.words, "The VMs to check; without: all that are configured or running")
                  ->type_name("VMID");
  app.add_flag(
      "--force", o.force,
      "On kernels before 6.0: read the mappings of large guests without huge pages too; holds them up for seconds");
  auto* plug =
      app.add_option("--plug", o.plug, "Have a stick plugged into this socket; its VM must see it, and nobody else")
          ->excludes(vms)
          ->check([](const std::string& label) { return label.empty() ? "which socket?" : ""; })
          ->type_name("LABEL");
  app.add_option("--timeout", o.timeout, "Wait at most this long for the stick (default 60)")
      ->needs(plug)
      ->check(positive())
      ->type_name("SECONDS");
}

void mapping_options(CLI::App& app, Options& o) {
  json(app, o);
  auto* write = app.add_flag("--write", o.write, "Write them into /etc/pve/mapping/pci.cfg");
  app.add_flag("--remove", o.remove, "Take this node's entries out of it")->excludes(write);
}

void map_options(CLI::App& app, Options& o) {
  app.add_flag("--panel", o.panel, "Draw the sockets of the case instead, to print and stick on it");
  auto* svg = app.add_flag("--svg", o.svg, "Write an SVG document");
  auto* html = app.add_flag("--html", o.html, "Write a web page that can be printed")->excludes(svg);
  app.add_flag("--json", o.json, "Print JSON, for programs")->excludes(svg)->excludes(html);
  app.add_option("file", o.words, "The file for --svg or --html; without: standard output")
      ->expected(0, 1)
      ->type_name("FILE");
  app.add_flag("--force", o.force, "Overwrite a file that was not made by map");
}

void hookscript_options(CLI::App& app, Options& o) {
  app.add_option("words", o.words, "Number of the VM and the phase, as Proxmox VE gives them")
      ->expected(2)
      ->required()
      ->type_name("VMID PHASE");
}

void daemon_options(CLI::App& app, Options& o) {
  app.add_option("--log-level", o.log_level, "trace, debug, info, warning, error or off (default info)")
      ->type_name("LEVEL");
}

/// Done by the acting executable: see acting/acting.hpp.
constexpr Run acts = nullptr;

constexpr Verb verbs[] = {
    {"status", nullptr, "Show which VM has what, and whether everything is as wanted", status_verb, status_options},
    {"doctor", nullptr, "Check firmware, kernel, memory and VMs; show the fix for each", doctor_verb, doctor_options},
    {"learn", nullptr, "Learn which socket is which by plugging a stick into each", acts, learn_options},
    {"setup", nullptr, "Propose a split, show it, and after one yes set up this host and its VMs", setup_rehearsal,
     setup_options, setup_acts},
    {"ports", nullptr, "List ports; rename, forget, export or import them", ports_verb, json},
    {"rename", "ports", "Give a learned port another name", acts, rename_options},
    {"forget", "ports", "Forget a learned port", acts, forget_options},
    {"export", "ports", "Write the learned ports to a file", export_ports_verb, export_options},
    {"import", "ports", "Take over learned ports from a file, after showing what differs", acts, import_options},
    {"plan", nullptr, "Show what apply would do, and why; changes nothing", plan_verb, plan_options},
    {"apply", nullptr, "Do what the plan says, audited step by step", acts, acting},
    {"undo", nullptr, "Put the host back as it was before hostsplit", acts, acting},
    {"verify", nullptr, "Prove memory, CPUs and controllers of each VM", verify_verb, verify_options},
    {"release", nullptr, "Lend a VM's controller to the host until the next boot", acts, flip_options},
    {"take", nullptr, "Give a released controller back to its VM", acts, flip_options},
    {"map", nullptr, "Draw the machine: nodes, VMs, controllers and sockets", map_verb, map_options},
    {"mapping", nullptr, "Show PCI resource mappings for a cluster; write them on request", acts, mapping_options},
    {"snapshot", nullptr, "Write what hostsplit sees of this machine into one file, for a bug report", snapshot_verb,
     snapshot_options},
    {"log", nullptr, "Show the audit trail; further arguments go to journalctl", log_verb,
     [](CLI::App& app, Options&) { app.fallthrough(false)->allow_extras(); }},
    {"boot", nullptr, "Reserve pages early at boot (run by hostsplit-reserve.service)", acts, nothing, nullptr, true},
    {"hookscript", nullptr, "Answer a hook of Proxmox VE (run by hostsplit-hook)", acts, hookscript_options, nullptr,
     true},
    {"work", nullptr, "Act for the service (run by hostsplit-work@.service)", acts, nothing, nullptr, true},
    {"daemon", nullptr, "Keep the split true (run by hostsplitd.service)", acts, daemon_options, nullptr, true},
};

}  // namespace

std::span<const Verb> verb_table() {
  return verbs;
}

}  // namespace hostsplit::cli
