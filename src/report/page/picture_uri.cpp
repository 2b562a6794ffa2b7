#include "report/page/picture_uri.h"

#include "onecycle/error.h"

#include <openssl/evp.h>
#include <png.h>

namespace onecycle {

std::string picture_uri(const SamplePicture& picture) {
  const bool grey = picture.channels == 1;
  const std::int64_t expected = picture.height * picture.width * picture.channels;
  if ((!grey && picture.channels != 3) || expected <= 0 ||
      expected != static_cast<std::int64_t>(picture.pixels.size()))
    throw Error("a picture must have 1 or 3 channels, and as many pixels as its size says");
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = grey ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<unsigned char> png(size);
  if (png_image_write_to_memory(&image, png.data(), &size, 0, picture.pixels.data(), 0, nullptr) ==
      0)
    throw Error(std::string("a picture could not be written as a PNG: ") + image.message);
  std::string text((size + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), png.data(),
                                     static_cast<int>(size));
  text.resize(static_cast<std::size_t>(length));
  return "data:image/png;base64," + text;
}

}  // namespace onecycle
