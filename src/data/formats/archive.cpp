#include "data/formats/archive.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "formats/pickle/pickle.h"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <filesystem>
#include <memory>

namespace onecycle {

namespace {

constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;  // unpacked; CIFAR's hold 190 million
constexpr int kMostMembers = 1000;
constexpr std::size_t kBlock = 1 << 18;

using Archive = std::unique_ptr<archive, int (*)(archive*)>;

[[noreturn]] void refuse_archive(const std::string& path, const std::string& why) {
  throw DataError(format("{}: {}; get the file again", path, why));
}

std::string message_of(archive* from) {
  const char* text = archive_error_string(from);
  return printable(text != nullptr ? text : "unknown error");
}

Archive open_archive(const std::string& path) {
  Archive from(archive_read_new(), archive_read_free);
  if (!from) throw Error("libarchive could not start");
  archive_read_support_filter_gzip(from.get());
  archive_read_support_filter_xz(from.get());
  archive_read_support_filter_bzip2(from.get());
  archive_read_support_format_tar(from.get());
  if (archive_read_open_filename(from.get(), path.c_str(), kBlock) != ARCHIVE_OK)
    refuse_archive(path, "not a readable tar archive: " + message_of(from.get()));
  return from;
}

void check_unpacked(archive* from, const std::string& path) {
  if (archive_filter_bytes(from, 0) > kMostBytes)
    refuse_archive(path, format("unpacks to more than {} bytes", kMostBytes));
}

// As long as the member's header says, and no longer.
std::vector<std::uint8_t> read_member(archive* from, const std::string& path,
                                      const std::string& name, std::int64_t size) {
  std::vector<std::uint8_t> bytes;
  while (static_cast<std::int64_t>(bytes.size()) < size) {
    const std::size_t old = bytes.size();
    const auto left = static_cast<std::size_t>(size) - old;
    bytes.resize(old + std::min(left, std::max(kBlock, old)));  // memory grows with what is there
    const auto got = archive_read_data(from, bytes.data() + old, bytes.size() - old);
    if (got <= 0) refuse_archive(path, format("cut short or damaged in {}", name));
    bytes.resize(old + static_cast<std::size_t>(got));
    check_unpacked(from, path);
  }
  return bytes;
}

// A name that leads out of the folder is no mistake of a data set.
std::string checked_name(archive_entry* entry, const std::string& path) {
  const char* given = archive_entry_pathname(entry);
  const std::filesystem::path name(given != nullptr ? given : "");
  bool leaves = name.empty() || name.is_absolute();
  for (const auto& part : name) leaves |= part == "..";
  if (leaves)
    refuse_archive(
        path, format("holds a file named '{}', which no data set has", printable(name.string())));
  return name.lexically_normal().string();
}

}  // namespace

std::vector<std::vector<std::uint8_t>> read_members(const std::string& path,
                                                    const std::vector<std::string>& names) {
  const Archive from = open_archive(path);
  std::vector<std::vector<std::uint8_t>> members(names.size());
  std::size_t missing = names.size();
  archive_entry* entry = nullptr;
  for (int count = 0; missing > 0; ++count) {
    const int code = archive_read_next_header(from.get(), &entry);
    if (code == ARCHIVE_EOF) break;
    if (code != ARCHIVE_OK) refuse_archive(path, "damaged or cut short: " + message_of(from.get()));
    if (count == kMostMembers)
      refuse_archive(path, format("holds more than {} files", kMostMembers));
    check_unpacked(from.get(), path);
    const std::string name = checked_name(entry, path);
    const std::int64_t size = archive_entry_size(entry);
    if (size < 0 || size > kMostBytes)
      refuse_archive(path, format("{} would unpack to {} bytes", printable(name), size));
    const auto wanted = std::find(names.begin(), names.end(), name);
    if (wanted == names.end() || archive_entry_filetype(entry) != AE_IFREG) continue;
    auto& member = members[static_cast<std::size_t>(wanted - names.begin())];
    if (!member.empty()) refuse_archive(path, format("holds {} twice", name));
    member = read_member(from.get(), path, name, size);
    if (!member.empty()) --missing;
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    if (members[i].empty()) refuse_archive(path, format("holds no {}, or an empty one", names[i]));
  return members;
}

}  // namespace onecycle
