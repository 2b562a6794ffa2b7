#include "core/text/utf8.h"

namespace onecycle {

namespace {

bool within(std::string_view text, std::size_t at, unsigned low, unsigned high) {
  if (at >= text.size()) return false;
  const auto byte = static_cast<unsigned char>(text[at]);
  return byte >= low && byte <= high;
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (within(text, 0, 0x00, 0x7f)) return 1;
  // The second byte's range depends on the first; those after it are 80 to BF.
  const bool two = within(text, 0, 0xc2, 0xdf) && within(text, 1, 0x80, 0xbf);
  if (two) return 2;
  const bool three = (within(text, 0, 0xe0, 0xe0) && within(text, 1, 0xa0, 0xbf)) ||
                     (within(text, 0, 0xe1, 0xec) && within(text, 1, 0x80, 0xbf)) ||
                     (within(text, 0, 0xed, 0xed) && within(text, 1, 0x80, 0x9f)) ||
                     (within(text, 0, 0xee, 0xef) && within(text, 1, 0x80, 0xbf));
  if (three) return within(text, 2, 0x80, 0xbf) ? 3 : 0;
  const bool four = (within(text, 0, 0xf0, 0xf0) && within(text, 1, 0x90, 0xbf)) ||
                    (within(text, 0, 0xf1, 0xf3) && within(text, 1, 0x80, 0xbf)) ||
                    (within(text, 0, 0xf4, 0xf4) && within(text, 1, 0x80, 0x8f));
  return four && within(text, 2, 0x80, 0xbf) && within(text, 3, 0x80, 0xbf) ? 4 : 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool has_control(std::string_view text, std::string_view allowed) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) {
      if (allowed.find(text[i]) == std::string_view::npos) return true;
    } else if (byte == 0xc2 && within(text, i + 1, 0x80, 0x9f)) {
      return true;
    }
  }
  return false;
}

const char* why_no_name(std::string_view text) {
  if (!is_utf8(text)) return "is not valid UTF-8";
  return has_control(text) ? "holds a control character" : nullptr;
}

}  // namespace onecycle
