#pragma once

#include <cstdint>
#include <string>

namespace onecycle {

// Bytes that a process can still get here: the least of what the host has available, its control
// group leaves and RLIMIT_DATA allows.
std::int64_t available_host_memory();

// The number after `key` in a file of lines "key: kilobytes kB", in bytes.
std::int64_t kilobytes_of(const char* path, const std::string& key, std::int64_t otherwise);

// What RLIMIT_DATA allows; 2^50 where it sets no limit.
std::int64_t data_limit();

}  // namespace onecycle
