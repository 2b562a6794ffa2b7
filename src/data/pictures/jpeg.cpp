#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/pictures/exif.h"
#include "data/pictures/jpeg_segments.h"
#include "data/pictures/picture.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <turbojpeg.h>

namespace onecycle {

namespace {

// A block of 64 pixels takes a bit at least, but for the rare arithmetic coding.
constexpr std::int64_t kPixelsPerByte = 4096;

// A scan is a pass over all pixels that takes a few bytes: progressive pictures have about ten.
constexpr std::int64_t kMostScans = 100;
constexpr std::int64_t kMostScannedPixels = 16 * kMostPixels;

using Decompressor = std::unique_ptr<void, int (*)(tjhandle)>;

[[noreturn]] void refuse_jpeg(const std::string& name, const std::string& why) {
  throw DataError(
      format("{}: damaged or cut short JPEG ({}); use another copy, or leave it out", name, why));
}

// As Pillow, which reads on over bytes that belong nowhere. libjpeg-turbo knows its warnings by
// their text alone.
bool is_harmless(tjhandle handle) {
  return tjGetErrorCode(handle) == TJERR_WARNING &&
         std::strstr(tjGetErrorStr2(handle), "extraneous bytes before marker") != nullptr;
}

struct Size {
  int height = 0;
  int width = 0;
};

// libjpeg-turbo's scaled decoding computes fewer coefficients: a sharper and faster box filter.
Size scaled_size(Size whole, std::int64_t shorter_side) {
  for (const int denominator : {8, 4, 2}) {
    const tjscalingfactor factor{1, denominator};
    const Size scaled{TJSCALED(whole.height, factor), TJSCALED(whole.width, factor)};
    if (shorter_side > 0 && std::min(scaled.height, scaled.width) >= 2 * shorter_side)
      return scaled;
  }
  return whole;
}

}  // namespace

StoredPicture decode_jpeg(const std::uint8_t* bytes, std::size_t size, const std::string& name,
                          std::int64_t shorter_side) {
  const Decompressor handle(tjInitDecompress(), tjDestroy);
  if (!handle) throw Error("libturbojpeg could not start");
  const auto length = static_cast<unsigned long>(size);
  Size whole;
  int subsampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(handle.get(), bytes, length, &whole.width, &whole.height, &subsampling,
                          &colours) != 0 &&
      !is_harmless(handle.get()))
    refuse_jpeg(name, tjGetErrorStr2(handle.get()));
  check_picture_size(whole.height, whole.width, name);
  if (std::int64_t{whole.height} * whole.width / kPixelsPerByte > static_cast<std::int64_t>(size))
    refuse_jpeg(name, "its header announces more than the file can hold");
  const std::int64_t scans = jpeg_scans(bytes, size);
  if (scans > kMostScans || scans * whole.height * whole.width > kMostScannedPixels)
    throw DataError(
        format("{}: {} scans of {}x{} pixels, more than any picture needs; use another "
               "copy, or leave it out",
               name, scans, whole.height, whole.width));

  const bool grey = colours == TJCS_GRAY;
  const bool inks = colours == TJCS_CMYK || colours == TJCS_YCCK;
  const Size scaled = scaled_size(whole, shorter_side);
  StoredPicture stored;
  stored.picture = {scaled.height, scaled.width, grey ? 1 : inks ? 4 : 3, {}};
  stored.picture.pixels.resize(
      static_cast<std::size_t>(stored.picture.height * stored.picture.width) *
      static_cast<std::size_t>(stored.picture.channels));
  if (tjDecompress2(handle.get(), bytes, length, stored.picture.pixels.data(), scaled.width, 0,
                    scaled.height,
                    grey   ? TJPF_GRAY
                    : inks ? TJPF_CMYK
                           : TJPF_RGB,
                    TJFLAG_LIMITSCANS) != 0 &&
      !is_harmless(handle.get()))
    refuse_jpeg(name, tjGetErrorStr2(handle.get()));
  stored.orientation = jpeg_orientation(bytes, size);
  return stored;
}

}  // namespace onecycle
