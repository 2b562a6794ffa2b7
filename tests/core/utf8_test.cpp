#include "core/text/utf8.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>

namespace onecycle {
namespace {

// Unicode's definition D92, by arithmetic: the bits of the bytes, and the number that they make.
bool is_character(const std::string& bytes) {
  const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() == 1) return byte(0) < 0x80;
  const std::size_t size = bytes.size();
  const unsigned lead_bits = 7 - static_cast<unsigned>(size);
  if (byte(0) >> lead_bits != (0xffu >> lead_bits & ~1u)) return false;
  std::uint32_t code = byte(0) & ((1u << lead_bits) - 1);
  for (std::size_t i = 1; i < size; ++i) {
    if (byte(i) >> 6 != 2) return false;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  return code >= kLeast[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

TEST(Utf8, KnowsEveryCharacterByItsFirstBytes) {
  for (unsigned a = 0; a < 256; ++a) {
    const std::string one(1, static_cast<char>(a));
    ASSERT_EQ(utf8_length(one) == 1, is_character(one)) << a;
    for (unsigned b = 0; b < 256; ++b) {
      const std::string two = one + static_cast<char>(b);
      ASSERT_EQ(utf8_length(two) == 2, is_character(two)) << a << ' ' << b;
      for (const char* rest : {"\x80", "\xbf", "\x7f", "\xc0"}) {
        const std::string three = two + rest;
        ASSERT_EQ(utf8_length(three) == 3, is_character(three)) << a << ' ' << b;
        const std::string four = three + "\x80";
        ASSERT_EQ(utf8_length(four) == 4, is_character(four)) << a << ' ' << b;
      }
    }
  }
}

TEST(Utf8, TextIsWholeCharacters) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"));
  EXPECT_FALSE(is_utf8("caf\xe9"));
  EXPECT_FALSE(is_utf8("\xe2\x82"));
  EXPECT_FALSE(is_utf8("a\xbf"));
}

TEST(Utf8, NamesHoldNoControlCharacters) {
  EXPECT_EQ(why_no_name("Zo\xc3\xab's r\xc3\xa9seau"), nullptr);
  EXPECT_STREQ(why_no_name("caf\xe9"), "is not valid UTF-8");
  for (const std::string& name :
       {std::string("a\0b", 3), std::string("a\nb"), std::string("\x1b[31m"), std::string("\x7f"),
        std::string("\xc2\x9b")})
    EXPECT_STREQ(why_no_name(name), "holds a control character");
  EXPECT_FALSE(has_control("a\tb\nc", "\t\n"));
}

}  // namespace
}  // namespace onecycle
