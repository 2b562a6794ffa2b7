#pragma once

#include <cstddef>
#include <string_view>

// Text of elsewhere that is to become text here.
namespace onecycle {

// The bytes of the character at the start of `text`, 1 to 4; 0 where it is none of UTF-8: cut
// short, longer than it need be, a surrogate, or beyond U+10FFFF (Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

// Whether UTF-8 text holds a control character: U+0000 to U+001F, U+007F to U+009F; those in
// `allowed` do not count.
bool has_control(std::string_view text, std::string_view allowed = "");

// What keeps text from being a name (of a run, a class, a file): "is not valid UTF-8" or "holds a
// control character"; nullptr where nothing does.
const char* why_no_name(std::string_view text);

}  // namespace onecycle
