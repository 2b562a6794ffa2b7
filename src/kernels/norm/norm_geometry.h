#pragma once

#include <cstdint>

// How the passes of a batch norm over [rows, channels] are laid out on a GPU: blocks of
// kNormThreads threads over ranges of rows, called parts, and tiles of channels. A thread keeps a
// pack of `pack` neighbouring channels (16 bytes, or one channel where these do not come out even)
// over its rows, so that a warp reads memory in order.
namespace onecycle::kernels {

constexpr int kNormThreads = 256;
constexpr int kNormLanes = 32;      // of a tile: packs that threads side by side take, at most
constexpr int kNormBlocks = 528;    // of a pass, about: four on each of an H100's 132 processors
constexpr int kNormLeastRows = 4;   // of a thread, where there are as many
constexpr int kFinishChannels = 8;  // of a block that adds parts up: 32 bytes of each
constexpr int kFinishSlices = kNormThreads / kFinishChannels;

struct NormGeometry {
  std::int64_t rows = 0;
  std::int64_t channels = 0;
  int pack = 1;           // channels of a thread
  int lanes = 1;          // threads along the channels, a power of two
  int lines = 1;          // threads along the rows: kNormThreads / lanes
  int tiles = 1;          // blocks along the channels
  int parts = 1;          // blocks along the rows
  std::int64_t span = 1;  // rows of a part; the last may have fewer, none has 0

  int blocks() const { return tiles * parts; }
  int finish_blocks() const {
    return static_cast<int>((channels + kFinishChannels - 1) / kFinishChannels);
  }
};

inline std::int64_t ceil_of(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

// rows, channels >= 1; channels are a multiple of `pack`.
inline NormGeometry norm_geometry(std::int64_t rows, std::int64_t channels, int pack) {
  NormGeometry result;
  result.rows = rows;
  result.channels = channels;
  result.pack = pack;
  const std::int64_t packs = channels / pack;
  while (result.lanes < packs && result.lanes < kNormLanes) result.lanes *= 2;
  result.lines = kNormThreads / result.lanes;
  result.tiles = static_cast<int>(ceil_of(packs, result.lanes));
  const std::int64_t wanted =
      ceil_of(rows, static_cast<std::int64_t>(result.lines) * kNormLeastRows);
  const std::int64_t most = result.tiles < kNormBlocks ? kNormBlocks / result.tiles : 1;
  result.span = ceil_of(rows, wanted < most ? wanted : most);
  result.parts = static_cast<int>(ceil_of(rows, result.span));
  return result;
}

// fp32 numbers that the parts of a reduction take, whatever the pack: two by part and channel.
inline std::int64_t norm_workspace(std::int64_t rows, std::int64_t channels) {
  std::int64_t parts = 1;
  for (int pack = 1; pack <= 8; pack *= 2)
    if (channels % pack == 0) {
      const int of_pack = norm_geometry(rows, channels, pack).parts;
      if (of_pack > parts) parts = of_pack;
    }
  return 2 * parts * channels;
}

}  // namespace onecycle::kernels
