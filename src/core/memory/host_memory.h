#pragma once

#include <cstdint>
#include <string>

namespace onecycle {

constexpr std::int64_t kNoLimit = std::int64_t{1} << 50;  // bytes

// Bytes that a process can still get here: the least of what the host has available, its control
// group leaves and RLIMIT_DATA allows.
std::int64_t available_host_memory();

// The number after `key` in a file of lines "key: kilobytes kB", in bytes.
std::int64_t kilobytes_of(const char* path, const std::string& key, std::int64_t otherwise);

// What RLIMIT_DATA allows; kNoLimit where it sets none.
std::int64_t data_limit();

}  // namespace onecycle
