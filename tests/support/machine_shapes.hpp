#pragma once
#include <map>
#include <set>
#include <string>

#include "support/fake_host.hpp"

namespace hostsplit::testing {

/// Refuses what no kernel would show, so that a description does not prove what cannot happen.
/// \throws std::runtime_error saying what is wrong; add_list() adds file and line.
class Shapes {
 public:
  void root(const std::string& name);
  /// \param name  of a host bridge below a function
  void nested(const std::string& name, const std::string& below);
  /// \param of_another  a virtual function (SR-IOV)
  void function(const PciSpec& spec, const RootPorts& ports, bool of_another = false);
  /// That a function has such a thing: "disk", "interface", "console".
  void carries(const PciSpec& spec, const std::string& what) const;
  void usb(const std::string& controller, const std::string& path, const UsbSpec& spec);
  void node(int id);
  /// A disk with its partitions, as FakeHost calls them.
  void disk(const std::string& name, int partitions);
  /// A name the kernel gives once. \param kind  "block device", "interface", "tty", "adapter", "process"
  void named(const std::string& kind, const std::string& name);
  /// Something refers to it. \param kind  as for named(), "group"
  void needs(const std::string& kind, const std::string& name) const;
  /// What a process has open: block devices and ttys are there.
  void opens(const std::string& file) const;
  void absolute(const std::string& path) const;
  void at_least(const std::string& what, int number, int least) const;

 private:
  struct Known {
    PciSpec spec;
    RootPorts ports;
  };
  std::set<std::string> bridges_;           ///< host bridges, nested ones too
  std::map<std::string, Known> functions_;  ///< by address
  std::map<std::string, std::string> bus_;  ///< by what is above: "0000:03"
  std::map<std::string, int> hubs_;         ///< ports by "controller half path"
  std::set<std::string> plugged_;           ///< "controller half path"
  std::set<int> nodes_;
  std::map<std::string, std::set<std::string>> names_;  ///< by kind
};

}  // namespace hostsplit::testing
