#pragma once
#include <array>
#include <string_view>

namespace hostsplit {

/// MESSAGE_ID of an audit record. systemd/hostsplit.catalog explains each of them; a test compares the two.
struct MessageId {
  std::string_view event, result, id;
};

inline constexpr std::array message_ids{
    MessageId{"bind", "started", "d46f40217a1f439f929b4cd8c194a262"},
    MessageId{"bind", "done", "5b0c03f362d7492183e173375e293b71"},
    MessageId{"bind", "failed", "212ea69d5ec648db82b727010efd8609"},
    MessageId{"reserve", "started", "4e11c147107244938e7bea54f013afad"},
    MessageId{"reserve", "done", "1ebcb244d5d34e4385c65826504e1a08"},
    MessageId{"reserve", "failed", "dba15288f39540aba58707880432cfd5"},
    MessageId{"load-module", "started", "04c16381853342d6a122994951eb1400"},
    MessageId{"load-module", "done", "c29c099ed8e34aa2b7061b1f1a57f73d"},
    MessageId{"load-module", "failed", "e5bdb4bbf30141f1a87811de321acafd"},
    MessageId{"write-file", "started", "50872dd0f16e44ada88f9b92f9983ce4"},
    MessageId{"write-file", "done", "4608200b53e7463d8f9d0d53e834711f"},
    MessageId{"write-file", "failed", "8cc9cea62ed84334887c6a46b2635a84"},
    MessageId{"remove-file", "started", "d6877178f45747eca4c5b1b84befa14f"},
    MessageId{"remove-file", "done", "b83a69a78c3a438ba9254734af2564cb"},
    MessageId{"remove-file", "failed", "fe33ca578cf44c10bdc89dcd211fe852"},
    MessageId{"rebuild-initramfs", "started", "2997a59322994e72975666d6eca2b6b2"},
    MessageId{"rebuild-initramfs", "done", "2710e9adcd834ec2888e7076f29b299c"},
    MessageId{"rebuild-initramfs", "failed", "49ce4cd809084a3192d8c6de4bf65bca"},
    MessageId{"refresh-boot-loader", "started", "33039df2bf44470eba786e402e411ce2"},
    MessageId{"refresh-boot-loader", "done", "0efbc301bedb426285f6e3a40e73877e"},
    MessageId{"refresh-boot-loader", "failed", "d614b05c446348b3a3ed6f003557ebc9"},
    MessageId{"rung", "started", "231905a3ca90420ab41db61e5d68574c"},
    MessageId{"rung", "done", "c8b5551e5e374dc4bc2048d9db70d3a1"},
    MessageId{"rung", "failed", "76a57c2cc5d94284bc293370fa1f7f1b"},
    MessageId{"health", "seen", "ecc98816be5d400f840447993a28dc43"},
    MessageId{"health", "failed", "93f6f149626040c78a6ec8f4a7bed9cf"},
    MessageId{"port", "seen", "918a6e93740b4e9b9397208d815168c0"},
    MessageId{"drift", "seen", "bb821f2eca8e423f963d6e3f076eccc1"},
    MessageId{"drift", "reported", "bff187ea3915456198e7157703964efa"},
    MessageId{"drift", "failed", "f011e6d5a6ec47c6a6fa8f77883643b3"},
    MessageId{"wipe", "seen", "b58bf0bbfa0347cf96176def993e9bcc"},
    MessageId{"wipe", "reported", "114f46c5d5e14ebfb86e60c4a5de5cbf"},
    MessageId{"vm-start", "refused", "965fd6f96cff40eb865c62922d09c4d1"},
    MessageId{"finding", "seen", "da605395ef804a5792809d5a33f72960"},
    MessageId{"finding", "ended", "959769ecc13345dd84c306ab26c6b08e"},
    MessageId{"learn", "done", "f8c530a01cc541d790354515032a4168"},
    MessageId{"rename", "started", "71aa6109721e473e90fe3ac70f8c78af"},
    MessageId{"rename", "done", "7bde77dc846a43ab9f0553b74e52f2c6"},
    MessageId{"rename", "failed", "2f818f029d534c4a848603711689c335"},
    MessageId{"forget", "started", "a2856949a69e4460b784e32f028e89b6"},
    MessageId{"forget", "done", "5ebf99982bc44065b1f89ca73fabe5f8"},
    MessageId{"forget", "failed", "c23689d5cdcf4527aeed55a7d06f3f61"},
    MessageId{"stuck", "seen", "dd8df47dd4594befb5b6f3575e0f9e61"},
    MessageId{"port", "summary", "6215675a141d4bff8912999ae4fae02a"},
};

/// \return "" for an event and result that have no id.
constexpr std::string_view message_id(std::string_view event, std::string_view result) {
  for (const auto& entry : message_ids)
    if (entry.event == event && entry.result == result) return entry.id;
  return {};
}

}  // namespace hostsplit
