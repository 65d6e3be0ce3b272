#pragma once
/// Every string that leaves the process or names a file outside it: one home, so that none is spelled twice.
/// Paths are relative to a Root.

namespace hostsplit::names {

inline constexpr auto program = "hostsplit";

inline constexpr auto config_file = "etc/hostsplit/hostsplit.toml";
inline constexpr auto boot_plan_file = "etc/hostsplit/boot/plan";
inline constexpr auto port_map_file = "var/lib/hostsplit/ports.toml";
inline constexpr auto port_map_before = "var/lib/hostsplit/ports.toml.before-import";
inline constexpr auto baseline_file = "var/lib/hostsplit/journal/baseline.toml";
inline constexpr auto grub_words = "etc/default/grub.d/hostsplit.cfg";
inline constexpr auto grub_entry = "etc/grub.d/42_hostsplit";
inline constexpr auto grub_config = "boot/grub/grub.cfg";
/// Where GRUB counts boots: beside its menu, or on the EFI system partition (config/grub/42_hostsplit); and where
/// boot-entries notes what systemd-boot has counted, which is in the name of a file there.
inline constexpr const char* boot_count_files[] = {"boot/grub/hostsplit.env", "boot/efi/hostsplit.env",
                                                   "run/hostsplit/boots.env"};
inline constexpr auto kernel_cmdline = "etc/kernel/cmdline";
inline constexpr auto kernel_postinst_hook = "etc/kernel/postinst.d/zzz-hostsplit";  ///< behind proxmox-boot-tool's
inline constexpr auto kernel_postrm_hook = "etc/kernel/postrm.d/zzz-hostsplit";
inline constexpr auto boot_entries = "/usr/libexec/hostsplit/boot-entries";  ///< config/systemd-boot
inline constexpr auto kept_directory = "var/lib/hostsplit/kept";  ///< files that were damaged, or edited by the owner
inline constexpr auto boot_health_file = "var/lib/hostsplit/journal/boots";
inline constexpr auto rung_file = "var/lib/hostsplit/journal/rung";
inline constexpr auto modprobe_conf = "etc/modprobe.d/hostsplit.conf";
inline constexpr auto modules_load_conf = "etc/modules-load.d/hostsplit.conf";
inline constexpr auto first_look_early = "run/hostsplit/first-look.unit";       ///< drivers the early unit found
inline constexpr auto first_look_service = "run/hostsplit/first-look.service";  ///< drivers the service found
inline constexpr auto released_file = "run/hostsplit/released";     ///< addresses lent to the host until the next boot
inline constexpr auto lent_file = "run/hostsplit/lent";             ///< addresses lent to a program that runs
inline constexpr auto proofs_directory = "run/hostsplit/verified";  ///< by VM: how its last start was found
inline constexpr auto initramfs_hook = "etc/initramfs-tools/hooks/hostsplit";
inline constexpr auto initramfs_script = "etc/initramfs-tools/scripts/init-top/hostsplit";
inline constexpr auto early_notes_file = "run/hostsplit/init-top";      ///< what the script did at this boot
inline constexpr auto early_plan_file = "run/hostsplit/init-top.plan";  ///< the plan it had
inline constexpr auto hook_name = "hostsplit-hook";                     ///< in the snippets of a storage
inline constexpr auto storages_file = "etc/pve/storage.cfg";
inline constexpr auto pci_mapping_file = "etc/pve/mapping/pci.cfg";     ///< of the whole Proxmox VE cluster
inline constexpr auto boot_id_file = "proc/sys/kernel/random/boot_id";  ///< changes with each boot
inline constexpr auto lock_file = "run/hostsplit/lock";
inline constexpr auto page_lock_file = "var/lock/hugepages.lck";  ///< Proxmox VE's
inline constexpr auto guest_pid_directory = "run/qemu-server";
inline constexpr auto quarantine_file = "run/hostsplit/quarantine";  ///< until the machine restarts
inline constexpr auto mail_file = "run/hostsplit/mail";              ///< hostsplit-mail.path sends it and takes it away
inline constexpr auto mailed_file = "run/hostsplit/mailed";          ///< what it had, and when
inline constexpr auto work_socket = "run/hostsplit/work";

inline constexpr auto metrics_directory =
    "var/lib/prometheus/node-exporter";  ///< of the Debian package prometheus-node-exporter

inline constexpr auto vfio_driver = "vfio-pci";

inline constexpr auto bus_name = "org.hostsplit";
inline constexpr auto bus_path = "/org/hostsplit";
inline constexpr auto bus_interface = "org.hostsplit.Manager1";
inline constexpr auto bus_error_failed = "org.hostsplit.Error.Failed";
inline constexpr auto bus_error_bad_input = "org.hostsplit.Error.BadInput";

/// polkit actions; systemd/org.hostsplit.policy says who may.
inline constexpr auto action_apply = "org.hostsplit.apply";
inline constexpr auto action_take = "org.hostsplit.take";
inline constexpr auto action_release = "org.hostsplit.release";
inline constexpr auto action_undo = "org.hostsplit.undo";
inline constexpr auto action_reload = "org.hostsplit.reload";
inline constexpr auto action_learn = "org.hostsplit.learn";
inline constexpr auto action_rename = "org.hostsplit.rename";

}  // namespace hostsplit::names
