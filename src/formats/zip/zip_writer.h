#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

// An archive of entries stored as they are, each beginning at a multiple of 64 bytes, as torch.save
// lays them out. The entries' bytes are not copied: they must outlive it.
class ZipWriter {
 public:
  // Throws CheckpointError where the archive would exceed the 4 GB of plain zip.
  void add(const std::string& name, std::string_view bytes);
  // The archive, in pieces that point into this and into the entries.
  std::vector<std::string_view> finish();

 private:
  std::deque<std::string> headers_;
  std::vector<std::string_view> parts_;
  std::string directory_;
  std::uint64_t size_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace onecycle
