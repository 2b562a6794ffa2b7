#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace onecycle {

struct ZipEntry {
  std::string_view bytes;  // in the archive
  std::uint32_t crc = 0;   // of the bytes; 0 where the writer left it out
};

using ZipEntries = std::map<std::string, ZipEntry, std::less<>>;

bool is_zip(std::string_view bytes);

// The entries of an archive that stores them as they are, as torch.save does. Throws
// CheckpointError, without the file's name, where it compresses or encrypts any, where names
// repeat, leave the archive's folder or differ between an entry and the list, and where entries
// overlap or lie outside the file.
ZipEntries read_zip(std::string_view bytes);

// Throws CheckpointError where the bytes are not those that were written.
void check_crc(std::string_view name, const ZipEntry& entry);

}  // namespace onecycle
