// Conversions to and from narrow formats, against ATen's.

#include "kernels/scalar_type.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

#include <c10/util/Half.h>

namespace onecycle::kernels {
namespace {

float float_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

TEST(Float16, WidensEveryValue) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto narrow = static_cast<std::uint16_t>(bits);
    const float want = c10::Half(narrow, c10::Half::from_bits());
    const float got = to_float(Float16{narrow});
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got)) << bits;
    } else {
      EXPECT_EQ(got, want) << bits;
      EXPECT_EQ(std::signbit(got), std::signbit(want)) << bits;
      EXPECT_EQ(to_float16(got).bits, narrow);
    }
  }
}

// Every exponent and sign, with mantissas around and on the ties.
TEST(Float16, RoundsToNearestEven) {
  for (std::uint32_t upper = 0; upper < 65536; upper += 3)
    for (const std::uint32_t lower :
         {0x0000U, 0x0fffU, 0x1000U, 0x1001U, 0x3000U, 0x7fffU, 0xf000U}) {
      const float value = float_of(upper << 16 | lower);
      if (std::isnan(value)) continue;
      EXPECT_EQ(to_float16(value).bits, c10::Half(value).x) << value;
    }
  EXPECT_EQ(to_float16(65519).bits, 0x7bff);
  EXPECT_EQ(to_float16(65520).bits, 0x7c00);
  EXPECT_TRUE(std::isnan(to_float(to_float16(std::numeric_limits<float>::quiet_NaN()))));
}

}  // namespace
}  // namespace onecycle::kernels
