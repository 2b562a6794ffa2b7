#pragma once

#include "onecycle/option_table.h"

#include "data/pictures/picture_fit.h"
#include "data/pictures/picture_set.h"

#include <cstdint>
#include <optional>

namespace onecycle {

// How formats of picture files bring pictures to one size.
struct PictureOptions {
  std::optional<std::int64_t> size = 224;
  std::optional<std::int64_t> resize;
  std::int64_t channels = 3;
  BadPicture bad = BadPicture::stop;

  PictureFit fit() const {
    const std::int64_t side = size.value_or(0);
    return {channels, resize.value_or(side), side};
  }
  // DatasetFormat::picture_side
  std::optional<std::int64_t> side() const { return resize ? resize : size; }
};

// Adds them to the table of a struct that has PictureOptions as its base.
template <class O>
void add_picture_options(OptionTable<O>& table) {
  constexpr double kLargestSide = 4096;
  std::optional<std::int64_t> O::*const size = &PictureOptions::size;
  std::optional<std::int64_t> O::*const resize = &PictureOptions::resize;
  std::int64_t O::*const channels = &PictureOptions::channels;
  BadPicture O::*const bad = &PictureOptions::bad;
  table
      .add("size", size,
           "side of the square that is cut from the centre of a resized picture and kept; null = "
           "nothing is cut, all pictures have one size")
      .unit("pixels")
      .range(between(1, kLargestSide))
      .add("resize", resize, "the shorter side is resized to it first, antialiased; null = size")
      .unit("pixels")
      .range(between(1, kLargestSide))
      .add("channels", channels, "3: colours, 1: grey")
      .range(between(1, 3))
      .add("bad", bad, {{"stop", BadPicture::stop}, {"skip", BadPicture::skip}},
           "a picture that cannot be read: stop: an error; skip: left out, with a warning that "
           "counts them")
      .rule([](const O& options) -> std::optional<typename OptionTable<O>::Violation> {
        using Violation = typename OptionTable<O>::Violation;
        if (options.channels == 2) return Violation{"channels", "must be 3 or 1, not 2"};
        if (options.resize && options.size && *options.resize < *options.size)
          return Violation{"resize", "must be at least size, which is cut from it"};
        return std::nullopt;
      });
}

}  // namespace onecycle
