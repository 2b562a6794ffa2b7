#include "data/pictures/picture.h"

#include "data/pictures/exif.h"
#include "data/pictures/jpeg_segments.h"
#include "data/pictures/picture_fit.h"
#include "picture_files.h"

#include <cmath>
#include <filesystem>

namespace onecycle {
namespace {

using testing::HasSubstr;

Bytes bytes_of(const std::vector<double>& numbers) { return {numbers.begin(), numbers.end()}; }

int largest_difference(const std::uint8_t* pixels, const std::vector<double>& expected) {
  int worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, std::abs(pixels[i] - static_cast<int>(expected[i])));
  return worst;
}

std::string problem(const Bytes& file) {
  try {
    decode_picture(file.data(), file.size(), "a", {});
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

// Pillow's own libjpeg-turbo is another release: a grey level is left to it.
TEST(Picture, DecodesAsPillow) {
  int compared = 0;
  for (const GoldenCase& golden : read_golden("pictures.txt")) {
    const Bytes file = bytes_of(golden.numbers.at("file"));
    for (const auto& [key, channels] :
         {std::pair("rgb", std::int64_t{3}), std::pair("grey", std::int64_t{1})}) {
      if (!golden.numbers.contains(key)) continue;
      const at::Tensor rows =
          fitted(decode_picture(file.data(), file.size(), golden.name, {channels}), {channels})
              .permute({1, 2, 0})
              .contiguous();
      const auto& expected = golden.numbers.at(key);
      ASSERT_EQ(rows.sizes(),
                at::IntArrayRef({golden.integer("height"), golden.integer("width"), channels}))
          << golden.name;
      ASSERT_EQ(rows.numel(), static_cast<std::int64_t>(expected.size())) << golden.name;
      const int allowed = golden.name.starts_with("jpeg") ? 1 : 0;
      EXPECT_LE(largest_difference(rows.const_data_ptr<std::uint8_t>(), expected), allowed)
          << golden.name << " " << key;
      ++compared;
    }
  }
  EXPECT_GE(compared, 90);
}

TEST(Picture, FitsAsPillow) {
  int compared = 0;
  for (const GoldenCase& golden : read_golden("pictures.txt")) {
    if (!golden.numbers.contains("fitted")) continue;
    const Bytes file = bytes_of(golden.numbers.at("file"));
    const PictureFit fit{3, golden.integer("resize"), golden.integer("size")};
    const at::Tensor sample =
        fitted(decode_picture(file.data(), file.size(), golden.name, {}), fit);
    ASSERT_EQ(sample.sizes(), at::IntArrayRef({3, fit.size, fit.size})) << golden.name;
    const at::Tensor rows = sample.permute({1, 2, 0}).contiguous();
    EXPECT_LE(largest_difference(rows.const_data_ptr<std::uint8_t>(), golden.numbers.at("fitted")),
              1)
        << golden.name;
    ++compared;
  }
  EXPECT_EQ(compared, 4);
}

// Decoded at half the size, which does not divide the sides: the last row and column are half ones.
TEST(Picture, FitsAsPillowWhatIsDecodedReduced) {
  int compared = 0;
  for (const GoldenCase& golden : read_golden("pictures.txt")) {
    if (!golden.numbers.contains("reduced")) continue;
    const Bytes file = bytes_of(golden.numbers.at("file"));
    const PictureFit fit{3, golden.integer("resize"), golden.integer("size")};
    const Picture picture = decode_picture(file.data(), file.size(), golden.name, fit.decoding());
    EXPECT_GT(picture.part.height, 0);
    const at::Tensor rows = fitted(picture, fit).permute({1, 2, 0}).contiguous();
    const auto& expected = golden.numbers.at("reduced");
    ASSERT_EQ(rows.numel(), static_cast<std::int64_t>(expected.size())) << golden.name;
    EXPECT_LE(largest_difference(rows.const_data_ptr<std::uint8_t>(), expected), 2) << golden.name;
    ++compared;
  }
  EXPECT_EQ(compared, 2);
}

TEST(Picture, ScaledDecodingKeepsThreeTimesTheSize) {
  const Bytes file = golden_file("jpeg-444");  // 13 x 20
  using Size = std::pair<std::int64_t, std::int64_t>;
  const auto decode = [&](std::int64_t shorter) {
    const Picture picture = decode_picture(file.data(), file.size(), "a", {3, shorter});
    return Size(picture.height, picture.width);
  };
  EXPECT_EQ(decode(0), Size(13, 20));
  EXPECT_EQ(decode(3), Size(13, 20));
  EXPECT_EQ(decode(2), Size(7, 10));
  EXPECT_EQ(decode(1), Size(4, 5));
}

// Black and white points of 602 x 451, the worst there is for a reduced size.
TEST(Picture, ReducedIsNearTheWhole) {
  const std::string file = source_dir() + "/../shared/cases/pictures/reduced-shift.jpg";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs " << file;
  for (const std::int64_t side : {16, 24, 32, 48, 64, 75}) {
    const PictureFit fit{1, side, side};
    const at::Tensor whole = fitted(read_picture(file, {1}), fit);
    const at::Tensor reduced = read_fitted(file, fit);
    ASSERT_EQ(reduced.sizes(), whole.sizes());
    const double difference =
        (reduced.to(at::kDouble) - whole.to(at::kDouble)).abs().mean().item<double>();
    EXPECT_GT(difference, 0) << side;
    EXPECT_LE(difference, 1) << side;
  }
}

TEST(Picture, RefusesWhatIsNone) {
  EXPECT_EQ(problem({}), "a: empty; use another copy, or leave it out");
  EXPECT_EQ(problem({'P', '6', 0, 0, 0, 0}),
            "a: no JPEG, PNG, WebP, BMP or GIF by its content; use another copy, or leave it out");
  EXPECT_THAT(problem({'B', 'M', 0, 0, 0, 0}), HasSubstr("a: a damaged BMP or one of a rare kind"));
  EXPECT_EQ(problem({0, 0, 0, 24, 'f', 't', 'y', 'p', 'h', 'e', 'i', 'c'}),
            "a: a HEIC picture, which is not read; convert it to JPEG, PNG or WebP, or leave it "
            "out");
  EXPECT_THAT(problem({'I', 'I', 42, 0, 8, 0, 0, 0}), HasSubstr("a: a TIFF picture, which"));
}

// At every length, also within the headers.
TEST(Picture, RefusesWhatIsCutShort) {
  for (const std::string name :
       {"jpeg-420", "jpeg-progressive", "jpeg-cmyk", "png-rgb", "png-palette-transparent",
        "png-16-bit", "webp-lossy", "webp-animated", "bmp-rgb", "bmp-palette", "gif"}) {
    const Bytes file = golden_file(name);
    // A JPEG without its end marker still has every pixel.
    const std::size_t end = file.size() - (name.starts_with("jpeg") ? 2 : 0);
    for (std::size_t length = 0; length < end; ++length) {
      const std::string why = problem({file.begin(), file.begin() + static_cast<long>(length)});
      EXPECT_TRUE(length + 16 >= end || !why.empty()) << name << " cut to " << length;
      EXPECT_EQ(why.find('\n'), std::string::npos);
    }
  }
}

TEST(Picture, RefusesWrongChecksumsInPng) {
  Bytes file = golden_file("png-rgb");
  file[file.size() - 20] ^= 1;
  EXPECT_THAT(problem(file), HasSubstr("damaged or cut short PNG"));
}

// A header of 65535 x 65535 or 12000 x 10000 pixels before a few bytes.
TEST(Picture, RefusesSizesThatLie) {
  Bytes png = golden_file("png-rgb");
  const auto with_size = [&](std::uint32_t width, std::uint32_t height) {
    Bytes file(png.begin(), png.begin() + 16);
    append_big_endian(file, width, 4);
    append_big_endian(file, height, 4);
    file.insert(file.end(), png.begin() + 24, png.begin() + 29);
    append_big_endian(file, crc32(0, file.data() + 12, 17), 4);
    file.insert(file.end(), png.begin() + 33, png.end());
    return file;
  };
  EXPECT_THAT(problem(with_size(65535, 65535)),
              HasSubstr("65535x65535 pixels, more than the limit of 134"));
  EXPECT_THAT(problem(with_size(12000, 10000)), HasSubstr("more than the file can hold"));
  Bytes jpeg = golden_file("jpeg-444");
  for (std::size_t i = 0; i + 8 < jpeg.size(); ++i)
    if (jpeg[i] == 0xff && jpeg[i + 1] == 0xc0) std::fill_n(jpeg.begin() + i + 5, 4, 0xf0);
  EXPECT_THAT(problem(jpeg), HasSubstr("61680x61680 pixels, more than the limit of 134 million"));
}

// A progressive file with scans added that say nothing: runs of blocks without a change.
Bytes with_scans(const Bytes& progressive, int count) {
  const Bytes table = {0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0,
                       0,    0,    0, 0,  0,    0, 0, 0, 0, 0, 0xe0};
  const Bytes scan = {0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0, /*the run*/ 0, 1};
  Bytes file(progressive.begin(), progressive.end() - 2);
  file.insert(file.end(), table.begin(), table.end());
  for (int i = 0; i < count; ++i) file.insert(file.end(), scan.begin(), scan.end());
  file.insert(file.end(), {0xff, 0xd9});
  return file;
}

TEST(Picture, RefusesManyScans) {
  const Bytes file = golden_file("jpeg-progressive");
  const Bytes longer = with_scans(file, 50);
  EXPECT_EQ(decode_picture(longer.data(), longer.size(), "a", {}).pixels,
            decode_picture(file.data(), file.size(), "a", {}).pixels);
  EXPECT_EQ(jpeg_scans(longer.data(), longer.size()), jpeg_scans(file.data(), file.size()) + 50);
  EXPECT_EQ(jpeg_scans(file.data(), file.size()), 10);  // libjpeg's script for three components
  EXPECT_THAT(problem(with_scans(file, 400)),
              testing::StartsWith("a: 410 scans of 13x20 pixels, more than any picture needs"));
  // Few enough for a small picture, too many for one of 134 million pixels.
  Bytes large = with_scans(file, 20);
  for (std::size_t i = 0; i + 8 < large.size(); ++i)
    if (large[i] == 0xff && large[i + 1] == 0xc2)
      std::copy_n(Bytes{0x2c, 0, 0x2c, 0}.begin(), 4, large.begin() + static_cast<long>(i) + 5);
  large.insert(large.end(), 1 << 16, 0);
  EXPECT_THAT(problem(large), HasSubstr("a: 30 scans of 11264x11264 pixels"));
}

TEST(Picture, IsARegularFile) {
  EXPECT_THROW(read_picture("/dev/zero", {}), DataError);
  EXPECT_THROW(read_picture("/proc/self", {}), DataError);
  EXPECT_THROW(read_picture("/none", {}), DataError);
}

TEST(Picture, Names) {
  EXPECT_EQ(picture_name("a/b.JPeG"), PictureName::readable);
  EXPECT_EQ(picture_name("b.png"), PictureName::readable);
  for (const char* name : {"b.webp", "b.BMP", "b.gif"})
    EXPECT_EQ(picture_name(name), PictureName::readable) << name;
  EXPECT_EQ(picture_name("b.HEIC"), PictureName::other);
  EXPECT_EQ(picture_name("png"), PictureName::no);
}

TEST(Exif, ReadsBothByteOrdersAndNothingElse) {
  const Bytes big = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0};
  const Bytes little = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 8, 0, 0, 0};
  EXPECT_EQ(exif_orientation(big.data(), big.size()), 6);
  EXPECT_EQ(exif_orientation(little.data(), little.size()), 8);
  for (std::size_t length = 0; length < 20; ++length)
    EXPECT_EQ(exif_orientation(big.data(), length), std::nullopt) << length;
  Bytes far = big;
  far[4] = 0xff;  // a directory beyond the end
  EXPECT_EQ(exif_orientation(far.data(), far.size()), std::nullopt);
  Bytes nine = big;
  nine[19] = 9;
  EXPECT_EQ(exif_orientation(nine.data(), nine.size()), 1);
  Bytes text = big;
  text[13] = 2;  // ASCII is no number
  EXPECT_EQ(exif_orientation(text.data(), text.size()), std::nullopt);
}

TEST(Exif, MayBeAttributeOrElementOfXmp) {
  EXPECT_EQ(xmp_orientation("<a tiff:Orientation=\"6\"/>"), 6);
  EXPECT_EQ(xmp_orientation("<a tiff:Orientation = '3'/>"), 3);
  EXPECT_EQ(xmp_orientation("<tiff:Orientation>8</tiff:Orientation>"), 8);
  EXPECT_EQ(xmp_orientation("<a tiff:Orientation=\"9\"/>"), 1);
  EXPECT_EQ(xmp_orientation("<tiff:Orientation/>"), std::nullopt);
  EXPECT_EQ(xmp_orientation("<a tiff:Orientation="), std::nullopt);
  EXPECT_EQ(xmp_orientation(""), std::nullopt);
}

TEST(Exif, MayBeHexadecimalInText) {
  EXPECT_EQ(raw_profile("\nexif\n       3\n4d4D\n2a\n"), (Bytes{0x4d, 0x4d, 0x2a}));
  EXPECT_EQ(raw_profile("\nexif\n 3\nno digits"), Bytes{});
  EXPECT_EQ(raw_profile(""), Bytes{});
}

}  // namespace
}  // namespace onecycle
