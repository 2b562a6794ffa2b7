#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/pictures/exif.h"
#include "data/pictures/picture.h"

#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <webp/decode.h>
#include <webp/demux.h>

namespace onecycle {

namespace {

[[noreturn]] void refuse_webp(const std::string& name) {
  throw DataError(format("{}: damaged or cut short WebP; use another copy, or leave it out", name));
}

// The first picture of an animation, on the whole canvas; false where it is damaged.
bool read_first_frame(const WebPData& file, Picture& picture) {
  WebPAnimDecoderOptions options;
  if (WebPAnimDecoderOptionsInit(&options) == 0) return false;
  options.color_mode = MODE_RGBA;
  const std::unique_ptr<WebPAnimDecoder, void (*)(WebPAnimDecoder*)> decoder(
      WebPAnimDecoderNew(&file, &options), WebPAnimDecoderDelete);
  WebPAnimInfo info;
  if (!decoder || WebPAnimDecoderGetInfo(decoder.get(), &info) == 0 ||
      info.canvas_height != picture.height || info.canvas_width != picture.width)
    return false;
  std::uint8_t* rgba = nullptr;
  int milliseconds = 0;
  if (WebPAnimDecoderGetNext(decoder.get(), &rgba, &milliseconds) == 0) return false;
  std::uint8_t* out = picture.pixels.data();
  for (std::int64_t i = 0; i < picture.height * picture.width; ++i, rgba += 4, out += 3)
    std::memcpy(out, rgba, 3);
  return true;
}

int webp_orientation(const WebPData& file) {
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> demuxer(WebPDemux(&file),
                                                                     WebPDemuxDelete);
  if (!demuxer) return 1;
  WebPChunkIterator chunk;
  std::optional<int> told;
  if (WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk) != 0) {
    told = exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
  }
  if (!told && WebPDemuxGetChunk(demuxer.get(), "XMP ", 1, &chunk) != 0) {
    told = xmp_orientation(
        std::string_view(reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size));
    WebPDemuxReleaseChunkIterator(&chunk);
  }
  return told.value_or(1);
}

}  // namespace

Picture decode_webp(const std::uint8_t* bytes, std::size_t size, const std::string& name) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(bytes, size, &features) != VP8_STATUS_OK) refuse_webp(name);
  check_picture_size(features.height, features.width, name);
  Picture picture{features.height, features.width, 3, {}};
  picture.pixels.resize(static_cast<std::size_t>(picture.height * picture.width * 3));
  const WebPData file{bytes, size};
  const bool sound = features.has_animation != 0
                         ? read_first_frame(file, picture)
                         : WebPDecodeRGBInto(bytes, size, picture.pixels.data(),
                                             picture.pixels.size(), 3 * features.width) != nullptr;
  if (!sound) refuse_webp(name);
  picture.orientation = webp_orientation(file);
  return picture;
}

}  // namespace onecycle
