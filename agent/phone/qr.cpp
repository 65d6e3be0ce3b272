#include "phone/qr.hpp"

#include <qrencode.h>

#include <memory>

namespace hostsplit {

QrCode qr_of(const std::string& text) {
  const std::unique_ptr<QRcode, void (*)(QRcode*)> code(QRcode_encodeString8bit(text.c_str(), 0, QR_ECLEVEL_L),
                                                        QRcode_free);
  if (!code) return {};
  QrCode modules{static_cast<std::size_t>(code->width), {}};
  for (std::size_t i = 0; i < modules.side * modules.side; ++i) modules.modules += (code->data[i] & 1) != 0 ? '1' : '0';
  return modules;
}

}  // namespace hostsplit
