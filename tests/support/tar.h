#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace onecycle {

constexpr std::size_t kTarBlock = 512;
constexpr std::size_t kTarSize = 124, kTarSum = 148;  // places in a header

// Writes the header's checksum: the sum of its bytes, that field taken as spaces.
inline void seal_tar(std::uint8_t* header) {
  std::memset(header + kTarSum, ' ', 8);
  unsigned sum = 0;
  for (std::size_t i = 0; i < kTarBlock; ++i) sum += header[i];
  std::snprintf(reinterpret_cast<char*>(header + kTarSum), 8, "%06o", sum);
}

// A tar archive (ustar) of regular files.
inline std::vector<std::uint8_t> tar(
    const std::vector<std::pair<std::string, std::vector<std::uint8_t>>>& files) {
  std::vector<std::uint8_t> bytes;
  for (const auto& [name, content] : files) {
    std::vector<std::uint8_t> header(kTarBlock);
    std::memcpy(header.data(), name.data(), name.size());
    std::memcpy(header.data() + 100, "0000644", 7);
    std::snprintf(reinterpret_cast<char*>(header.data() + kTarSize), 12, "%011zo", content.size());
    header[156] = '0';
    std::memcpy(header.data() + 257,
                "ustar\0"
                "00",
                8);
    seal_tar(header.data());
    bytes.insert(bytes.end(), header.begin(), header.end());
    bytes.insert(bytes.end(), content.begin(), content.end());
    bytes.resize((bytes.size() + kTarBlock - 1) / kTarBlock * kTarBlock);
  }
  bytes.resize(bytes.size() + 2 * kTarBlock);
  return bytes;
}

// Makes the first header announce that many bytes, in octal.
inline void set_tar_size(std::vector<std::uint8_t>& archive, const std::string& octal) {
  std::memcpy(archive.data() + kTarSize, octal.data(), octal.size());
  seal_tar(archive.data());
}

}  // namespace onecycle
