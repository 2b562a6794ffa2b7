#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace onecycle {

// Bytes that deflate can make of one.
inline constexpr std::uint64_t kBestDeflateRatio = 1032;

struct ZipEntry {
  std::string_view bytes;  // in the archive
  std::uint32_t crc = 0;   // of the bytes as they were; 0 where the writer left it out
  std::uint64_t size = 0;  // of the bytes as they were
  bool deflated = false;
};

// Which entries an archive may have: as they were, as torch.save stores them, or deflated too.
enum class ZipPacking { stored, any };

using ZipEntries = std::map<std::string, ZipEntry, std::less<>>;

bool is_zip(std::string_view bytes);

// The entries of an archive. Throws CheckpointError, without the file's name, where it compresses
// any beyond what `packing` allows or encrypts any, where names
// repeat, leave the archive's folder or differ between an entry and the list, and where entries
// overlap or lie outside the file.
ZipEntries read_zip(std::string_view bytes, ZipPacking packing = ZipPacking::stored);

// Throws CheckpointError where the bytes of an entry that is not deflated are not those that were
// written.
void check_crc(std::string_view name, const ZipEntry& entry);

// The bytes of a deflated entry as they were. Throws CheckpointError where they are not those that
// were written, or need more memory than there is.
std::string inflated(std::string_view name, const ZipEntry& entry);

}  // namespace onecycle
