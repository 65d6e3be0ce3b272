#pragma once
#include <array>
#include <string_view>

namespace hostsplit {

/// Every audit record there is: what HOSTSPLIT_EVENT and HOSTSPLIT_RESULT may be, how urgent it is, and its MESSAGE_ID.
/// systemd/hostsplit.catalog explains each id and hostsplit(8) lists the events; a test compares the three.
struct AuditEvent {
  enum class Level { error = 3, warning = 4, info = 6, debug = 7 };  ///< as in syslog(3)
  std::string_view event, result;
  Level level;
  std::string_view id;
};

inline constexpr std::array audit_events{
    AuditEvent{"bind", "started", AuditEvent::Level::debug, "d46f40217a1f439f929b4cd8c194a262"},
    AuditEvent{"bind", "done", AuditEvent::Level::info, "5b0c03f362d7492183e173375e293b71"},
    AuditEvent{"bind", "failed", AuditEvent::Level::error, "212ea69d5ec648db82b727010efd8609"},
    AuditEvent{"reserve", "started", AuditEvent::Level::debug, "4e11c147107244938e7bea54f013afad"},
    AuditEvent{"reserve", "done", AuditEvent::Level::info, "1ebcb244d5d34e4385c65826504e1a08"},
    AuditEvent{"reserve", "failed", AuditEvent::Level::error, "dba15288f39540aba58707880432cfd5"},
    AuditEvent{"load-module", "started", AuditEvent::Level::debug, "04c16381853342d6a122994951eb1400"},
    AuditEvent{"load-module", "done", AuditEvent::Level::info, "c29c099ed8e34aa2b7061b1f1a57f73d"},
    AuditEvent{"load-module", "failed", AuditEvent::Level::error, "e5bdb4bbf30141f1a87811de321acafd"},
    AuditEvent{"write-file", "started", AuditEvent::Level::debug, "50872dd0f16e44ada88f9b92f9983ce4"},
    AuditEvent{"write-file", "done", AuditEvent::Level::info, "4608200b53e7463d8f9d0d53e834711f"},
    AuditEvent{"write-file", "failed", AuditEvent::Level::error, "8cc9cea62ed84334887c6a46b2635a84"},
    AuditEvent{"remove-file", "started", AuditEvent::Level::debug, "d6877178f45747eca4c5b1b84befa14f"},
    AuditEvent{"remove-file", "done", AuditEvent::Level::info, "b83a69a78c3a438ba9254734af2564cb"},
    AuditEvent{"remove-file", "failed", AuditEvent::Level::error, "fe33ca578cf44c10bdc89dcd211fe852"},
    AuditEvent{"rebuild-initramfs", "started", AuditEvent::Level::debug, "2997a59322994e72975666d6eca2b6b2"},
    AuditEvent{"rebuild-initramfs", "done", AuditEvent::Level::info, "2710e9adcd834ec2888e7076f29b299c"},
    AuditEvent{"rebuild-initramfs", "failed", AuditEvent::Level::error, "49ce4cd809084a3192d8c6de4bf65bca"},
    AuditEvent{"refresh-boot-loader", "started", AuditEvent::Level::debug, "33039df2bf44470eba786e402e411ce2"},
    AuditEvent{"refresh-boot-loader", "done", AuditEvent::Level::info, "0efbc301bedb426285f6e3a40e73877e"},
    AuditEvent{"refresh-boot-loader", "failed", AuditEvent::Level::error, "d614b05c446348b3a3ed6f003557ebc9"},
    AuditEvent{"rung", "started", AuditEvent::Level::debug, "231905a3ca90420ab41db61e5d68574c"},
    AuditEvent{"rung", "done", AuditEvent::Level::info, "c8b5551e5e374dc4bc2048d9db70d3a1"},
    AuditEvent{"rung", "failed", AuditEvent::Level::error, "76a57c2cc5d94284bc293370fa1f7f1b"},
    AuditEvent{"set-proxmox", "started", AuditEvent::Level::debug, "8bbd068d329b454a9876d1a87b6fd8c3"},
    AuditEvent{"set-proxmox", "done", AuditEvent::Level::info, "5e932eb2b69e427cb33a66848c471fe8"},
    AuditEvent{"set-proxmox", "failed", AuditEvent::Level::error, "44310512d7464afa810f4e7e0977d99e"},
    AuditEvent{"health", "seen", AuditEvent::Level::info, "ecc98816be5d400f840447993a28dc43"},
    AuditEvent{"health", "failed", AuditEvent::Level::error, "93f6f149626040c78a6ec8f4a7bed9cf"},
    AuditEvent{"port", "seen", AuditEvent::Level::info, "918a6e93740b4e9b9397208d815168c0"},
    AuditEvent{"drift", "seen", AuditEvent::Level::warning, "bb821f2eca8e423f963d6e3f076eccc1"},
    AuditEvent{"drift", "reported", AuditEvent::Level::warning, "bff187ea3915456198e7157703964efa"},
    AuditEvent{"drift", "failed", AuditEvent::Level::error, "f011e6d5a6ec47c6a6fa8f77883643b3"},
    AuditEvent{"wipe", "seen", AuditEvent::Level::warning, "b58bf0bbfa0347cf96176def993e9bcc"},
    AuditEvent{"wipe", "reported", AuditEvent::Level::warning, "114f46c5d5e14ebfb86e60c4a5de5cbf"},
    AuditEvent{"vm-start", "refused", AuditEvent::Level::error, "965fd6f96cff40eb865c62922d09c4d1"},
    AuditEvent{"finding", "seen", AuditEvent::Level::warning, "da605395ef804a5792809d5a33f72960"},
    AuditEvent{"finding", "ended", AuditEvent::Level::info, "959769ecc13345dd84c306ab26c6b08e"},
    AuditEvent{"learn", "done", AuditEvent::Level::info, "f8c530a01cc541d790354515032a4168"},
    AuditEvent{"rename", "started", AuditEvent::Level::debug, "71aa6109721e473e90fe3ac70f8c78af"},
    AuditEvent{"rename", "done", AuditEvent::Level::info, "7bde77dc846a43ab9f0553b74e52f2c6"},
    AuditEvent{"rename", "failed", AuditEvent::Level::error, "2f818f029d534c4a848603711689c335"},
    AuditEvent{"forget", "started", AuditEvent::Level::debug, "a2856949a69e4460b784e32f028e89b6"},
    AuditEvent{"forget", "done", AuditEvent::Level::info, "5ebf99982bc44065b1f89ca73fabe5f8"},
    AuditEvent{"forget", "failed", AuditEvent::Level::error, "c23689d5cdcf4527aeed55a7d06f3f61"},
    AuditEvent{"import-ports", "started", AuditEvent::Level::debug, "1ca6febfefb84dd2bb776932b9ffdd89"},
    AuditEvent{"import-ports", "done", AuditEvent::Level::info, "d8899200023f499f9421c2be6b8b44f0"},
    AuditEvent{"import-ports", "failed", AuditEvent::Level::error, "371a84809eec42b29204dfe1782fae83"},
    AuditEvent{"stuck", "seen", AuditEvent::Level::info, "dd8df47dd4594befb5b6f3575e0f9e61"},
    AuditEvent{"port", "summary", AuditEvent::Level::info, "6215675a141d4bff8912999ae4fae02a"},
};

/// \return nullptr for an event and result that are not in the table.
constexpr const AuditEvent* audit_event(std::string_view event, std::string_view result) {
  for (const auto& entry : audit_events)
    if (entry.event == event && entry.result == result) return &entry;
  return nullptr;
}

}  // namespace hostsplit
