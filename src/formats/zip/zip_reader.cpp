#include "formats/zip/zip_reader.h"

#include "onecycle/error.h"

#include "core/memory/host_memory.h"
#include "core/text/format.h"
#include "core/text/printable.h"

#include <algorithm>
#include <optional>
#include <vector>
#include <zlib.h>

// PKWARE's APPNOTE 6.3: local headers, each before its bytes; the central directory, which lists
// them; the end record, with the 64-bit one and its locator before it.
namespace onecycle {

namespace {

constexpr std::string_view kLocal = "PK\x03\x04";
constexpr std::string_view kListed = "PK\x01\x02";
constexpr std::string_view kEnd = "PK\x05\x06";
constexpr std::string_view kEnd64 = "PK\x06\x06";
constexpr std::string_view kLocator64 = "PK\x06\x07";
constexpr std::size_t kLocalHeaderBytes = 30, kListedBytes = 46, kEndBytes = 22, kEnd64Bytes = 56,
                      kLocator64Bytes = 20;
constexpr std::uint64_t kDeflated = 8;
constexpr std::uint64_t kIn64 = 0xffffffff;  // the number stands in the 64-bit field

[[noreturn]] void fail(const std::string& why) {
  throw CheckpointError("not a sound archive: " + why);
}

// `size` bytes at `at`, all of them in the archive.
std::string_view part(std::string_view bytes, std::uint64_t at, std::uint64_t size) {
  if (at > bytes.size() || size > bytes.size() - at)
    fail("it is cut short, or its offsets are wrong");
  return bytes.substr(at, size);
}

std::uint64_t number(std::string_view record, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(record[at + i]);
  return value;
}

struct Directory {
  std::uint64_t begin = 0, size = 0, count = 0;
};

Directory find_directory(std::string_view bytes) {
  constexpr std::uint64_t kLongestComment = 0xffff;
  if (bytes.size() < kEndBytes) fail("it is cut short");
  const std::uint64_t last = bytes.size() - kEndBytes;
  const std::uint64_t first = last - std::min(last, kLongestComment);
  for (std::uint64_t at = last + 1; at-- > first;) {
    const std::string_view record = bytes.substr(at, kEndBytes);
    if (!record.starts_with(kEnd) || number(record, 20, 2) != last - at) continue;
    const bool wide =
        at >= kLocator64Bytes && bytes.substr(at - kLocator64Bytes).starts_with(kLocator64);
    if (!wide) return {number(record, 16, 4), number(record, 12, 4), number(record, 10, 2)};
    const std::uint64_t end64 = number(bytes, at - kLocator64Bytes + 8, 8);
    const std::string_view record64 = part(bytes, end64, kEnd64Bytes);
    if (!record64.starts_with(kEnd64)) fail("its 64-bit end record is missing");
    return {number(record64, 48, 8), number(record64, 40, 8), number(record64, 32, 8)};
  }
  fail("its end record is missing: it is cut short, or not an archive");
}

struct Listed {
  std::string_view name;
  std::uint64_t compressed = 0, size = 0, header = 0;
  std::uint32_t crc = 0;
  bool deflated = false;
};

// Numbers that 32 bits do not hold stand in the extra field 1, in this order.
void widen(Listed& entry, std::string_view extra) {
  if (entry.size != kIn64 && entry.compressed != kIn64 && entry.header != kIn64) return;
  while (extra.size() >= 4) {
    const std::uint64_t kind = number(extra, 0, 2);
    std::string_view field = part(extra, 4, number(extra, 2, 2));
    extra.remove_prefix(4 + field.size());
    if (kind != 1) continue;
    for (std::uint64_t* wide : {&entry.size, &entry.compressed, &entry.header}) {
      if (*wide != kIn64) continue;
      *wide = number(part(field, 0, 8), 0, 8);
      field.remove_prefix(8);
    }
    return;
  }
  fail("a 64-bit size is missing");
}

bool leaves_folder(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string_view::npos) return true;
  for (std::string_view rest = name; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    if (rest.substr(0, slash) == "..") return true;
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return false;
}

// The entry at the start of `list`, which it takes off.
Listed take_listed(std::string_view& list, ZipPacking packing) {
  const std::string_view record = part(list, 0, kListedBytes);
  if (!record.starts_with(kListed)) fail("its list of entries is damaged");
  const std::uint64_t name_bytes = number(record, 28, 2);
  const std::uint64_t extra_bytes = number(record, 30, 2);
  const std::uint64_t bytes = kListedBytes + name_bytes + extra_bytes + number(record, 32, 2);
  const std::string_view whole = part(list, 0, bytes);
  Listed entry{whole.substr(kListedBytes, name_bytes),
               number(record, 20, 4),
               number(record, 24, 4),
               number(record, 42, 4),
               static_cast<std::uint32_t>(number(record, 16, 4)),
               number(record, 10, 2) == kDeflated};
  widen(entry, whole.substr(kListedBytes + name_bytes, extra_bytes));
  list.remove_prefix(bytes);
  const std::string name = printable(entry.name);
  if (leaves_folder(entry.name)) fail("refused: the entry '" + name + "' leaves its folder");
  if ((number(record, 8, 2) & 1) != 0) fail("refused: " + name + " is encrypted");
  if (entry.deflated && packing == ZipPacking::any) return entry;
  if (number(record, 10, 2) != 0 || entry.compressed != entry.size)
    fail("refused: " + name +
         (packing == ZipPacking::any ? " is compressed otherwise than deflated"
                                     : " is compressed, which torch.save never does"));
  return entry;
}

void check_crc_of(std::string_view name, std::string_view bytes, std::uint32_t crc) {
  if (crc == 0) return;
  uLong sum = crc32_z(0, nullptr, 0);
  sum = crc32_z(sum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (sum == crc) return;
  throw CheckpointError(
      format("damaged: the checksum of {} does not match its bytes", printable(name)));
}

struct Span {
  std::uint64_t begin, end;
};

}  // namespace

bool is_zip(std::string_view bytes) { return bytes.starts_with(kLocal); }

ZipEntries read_zip(std::string_view bytes, ZipPacking packing) {
  const Directory directory = find_directory(bytes);
  std::string_view list = part(bytes, directory.begin, directory.size);
  ZipEntries entries;
  std::vector<Span> spans;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    const Listed listed = take_listed(list, packing);
    const std::string_view local = part(bytes, listed.header, kLocalHeaderBytes);
    const std::uint64_t name_bytes = number(local, 26, 2);
    const std::uint64_t name_at = listed.header + kLocalHeaderBytes;
    if (!local.starts_with(kLocal) || part(bytes, name_at, name_bytes) != listed.name)
      fail(format("the entry '{}' is not where it is listed", printable(listed.name)));
    const std::uint64_t begin = name_at + name_bytes + number(local, 28, 2);
    const ZipEntry entry{part(bytes, begin, listed.compressed), listed.crc, listed.size,
                         listed.deflated};
    spans.push_back({listed.header, begin + listed.compressed});
    if (!entries.emplace(listed.name, entry).second)
      fail(format("the entry '{}' is listed twice", printable(listed.name)));
  }
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.begin < b.begin; });
  spans.push_back({directory.begin, directory.begin});
  for (std::size_t i = 1; i < spans.size(); ++i)
    if (spans[i].begin < spans[i - 1].end) fail("its entries overlap");
  return entries;
}

void check_crc(std::string_view name, const ZipEntry& entry) {
  check_crc_of(name, entry.bytes, entry.crc);
}

std::string inflated(std::string_view name, const ZipEntry& entry) {
  constexpr std::uint64_t kSlack = 64;
  constexpr std::uint64_t kMostAtOnce = std::uint64_t{1} << 30;
  if (entry.size / kBestDeflateRatio > entry.bytes.size() + kSlack)
    fail(format("the size of {} is more than its bytes can hold", printable(name)));
  if (entry.size > static_cast<std::uint64_t>(available_host_memory()))
    throw CheckpointError(format("{} needs {:.1f} GB of memory, more than is free", printable(name),
                                 static_cast<double>(entry.size) / 1e9));
  std::string bytes(entry.size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw CheckpointError("zlib cannot begin");
  std::string_view rest = entry.bytes;
  std::uint64_t made = 0;
  int state = Z_OK;
  while (state == Z_OK) {
    const std::uint64_t given = std::min<std::uint64_t>(rest.size(), kMostAtOnce);
    const std::uint64_t room = std::min(entry.size - made, kMostAtOnce);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
    stream.avail_in = static_cast<uInt>(given);
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + made);
    stream.avail_out = static_cast<uInt>(room);
    state = inflate(&stream, Z_NO_FLUSH);  // Z_BUF_ERROR where it can go no further
    rest.remove_prefix(given - stream.avail_in);
    made += room - stream.avail_out;
  }
  inflateEnd(&stream);
  if (state != Z_STREAM_END || made != entry.size || !rest.empty())
    throw CheckpointError(format("damaged: {} cannot be unpacked", printable(name)));
  check_crc_of(name, bytes, entry.crc);
  return bytes;
}

}  // namespace onecycle
