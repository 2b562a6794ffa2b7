#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// The members `names` of a tar archive, plain or compressed, in that order: one pass, nothing is
// written to the disk. Throws DataError naming the archive: for one that is damaged, lacks a
// member, holds more than a gigabyte or a thousand members, or names files outside its own folder.
std::vector<std::vector<std::uint8_t>> read_members(const std::string& archive,
                                                    const std::vector<std::string>& names);

}  // namespace onecycle
