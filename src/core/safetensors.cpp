#include "core/safetensors.h"

#include "onecycle/error.h"

#include "core/files.h"
#include "core/format.h"
#include "core/sha256.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// The format: 8 bytes of header length (little-endian), a JSON header, the tensors' bytes.
namespace onecycle {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;
constexpr const char* kChecksum = "sha256";
const std::string kNoChecksum(Sha256::kHexLength, '0');

std::uint64_t element_bytes(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "U8" || dtype == "I8" || dtype == "BOOL") return 1;
  return 0;
}

std::string little_endian(std::uint64_t value) {
  std::string bytes(kLengthBytes, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(value & 0xff);
    value >>= 8;
  }
  return bytes;
}

std::uint64_t from_little_endian(const char* bytes) {
  std::uint64_t value = 0;
  for (std::uint64_t i = kLengthBytes; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

StoredTensor parse_entry(const std::string& name, const Json& entry, const char* data,
                         std::uint64_t data_bytes) {
  StoredTensor tensor;
  tensor.name = name;
  tensor.dtype = entry.at("dtype").get<std::string>();
  std::uint64_t expected = element_bytes(tensor.dtype);
  if (expected == 0) throw CheckpointError("unknown dtype " + tensor.dtype);
  if (!entry.at("shape").is_array()) throw CheckpointError("the shape of " + name + " is no list");
  for (const auto& dimension : entry.at("shape")) {
    if (!dimension.is_number_unsigned())
      throw CheckpointError(format("the shape of {} holds {}", name, dimension.dump()));
    const auto length = dimension.get<std::uint64_t>();
    if (length != 0 && expected > data_bytes / length)
      throw CheckpointError(format("the shape of {} exceeds the file", name));
    expected *= length;
    tensor.shape.push_back(static_cast<std::int64_t>(length));
  }
  const auto begin = entry.at("data_offsets").at(0).get<std::uint64_t>();
  const auto end = entry.at("data_offsets").at(1).get<std::uint64_t>();
  if (begin > end || end > data_bytes || end - begin != expected)
    throw CheckpointError(format("the bytes of {} do not fit its shape or the file", name));
  tensor.data = data + begin;
  tensor.bytes = end - begin;
  return tensor;
}

// As it stands in the header's text.
std::string checksum_field(const std::string& digest) {
  return format("\"{}\":\"{}\"", kChecksum, digest);
}

}  // namespace

void write_safetensors(const std::string& path, const std::vector<StoredTensor>& tensors,
                       const Metadata& metadata) {
  Json header = Json::object();
  header["__metadata__"] = metadata;
  header["__metadata__"][kChecksum] = kNoChecksum;
  std::uint64_t offset = 0;
  for (const StoredTensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.bytes}}};
    offset += tensor.bytes;
  }
  std::string text = header.dump();
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  const std::string length = little_endian(text.size());
  std::vector<std::string_view> parts{length, text};
  for (const StoredTensor& tensor : tensors)
    parts.emplace_back(static_cast<const char*>(tensor.data), tensor.bytes);
  Sha256 digest;
  for (const std::string_view part : parts) digest.add(part);
  const std::string field = checksum_field(kNoChecksum);
  text.replace(text.find(field), field.size(), checksum_field(digest.hex()));
  parts[1] = text;
  write_file_atomically(path, parts);
}

SafetensorsFile::SafetensorsFile(const std::string& path, Check check) {
  map(path);
  try {
    parse();
    check_layout();
    if (check == Check::all) check_sum();
  } catch (const std::exception& error) {
    ::munmap(const_cast<char*>(begin_), size_);
    throw CheckpointError(
        format("{}: not a whole safetensors file: {}; use an intact copy", path, error.what()));
  }
}

SafetensorsFile::~SafetensorsFile() { ::munmap(const_cast<char*>(begin_), size_); }

void SafetensorsFile::map(const std::string& path) {
  const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0)
    throw CheckpointError(format("{}: cannot be read: {}", path, std::strerror(errno)));
  struct stat status {};
  const bool is_file = ::fstat(handle, &status) == 0 && S_ISREG(status.st_mode);
  size_ = is_file ? static_cast<std::uint64_t>(status.st_size) : 0;
  void* begin =
      size_ < kLengthBytes ? MAP_FAILED : ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, handle, 0);
  ::close(handle);
  if (begin == MAP_FAILED)
    throw CheckpointError(path + ": not a safetensors file: too short, or not a file");
  begin_ = static_cast<const char*>(begin);
}

void SafetensorsFile::parse() {
  const std::uint64_t header_bytes = from_little_endian(begin_);
  if (header_bytes > kLongestHeader || header_bytes > size_ - kLengthBytes)
    throw CheckpointError(format("its header of {} bytes exceeds the file", header_bytes));
  const char* text = begin_ + kLengthBytes;
  const Json header = Json::parse(text, text + header_bytes);
  if (!header.is_object()) throw CheckpointError("its header is not a JSON object");
  data_begin_ = kLengthBytes + header_bytes;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      metadata_ = entry.get<Metadata>();
      continue;
    }
    tensors_.push_back(parse_entry(name, entry, begin_ + data_begin_, size_ - data_begin_));
  }
}

// The format wants the tensors' bytes side by side, without gaps.
void SafetensorsFile::check_layout() const {
  std::vector<const StoredTensor*> in_order;
  for (const StoredTensor& tensor : tensors_) in_order.push_back(&tensor);
  std::sort(in_order.begin(), in_order.end(), [](const auto* a, const auto* b) {
    return a->data < b->data || (a->data == b->data && a->bytes < b->bytes);
  });
  const char* end = begin_ + data_begin_;
  for (const StoredTensor* tensor : in_order) {
    if (tensor->data != end)
      throw CheckpointError(format("the bytes of {} overlap others or leave a gap", tensor->name));
    end += tensor->bytes;
  }
  if (end != begin_ + size_)
    throw CheckpointError(format("{} bytes after the last tensor", begin_ + size_ - end));
}

void SafetensorsFile::check_sum() const {
  const auto stated = metadata_.find(kChecksum);
  if (stated == metadata_.end()) {
    const auto writer = metadata_.find("format");
    if (writer == metadata_.end() || writer->second != "onecycle") return;
    throw CheckpointError("its checksum is missing");
  }
  std::string head(begin_, data_begin_);
  const std::string field = checksum_field(stated->second);
  const std::size_t at = head.find(field);
  if (at == std::string::npos || stated->second.size() != kNoChecksum.size())
    throw CheckpointError("its checksum is not one");
  head.replace(at, field.size(), checksum_field(kNoChecksum));
  Sha256 digest;
  digest.add(head).add({begin_ + data_begin_, size_ - data_begin_});
  if (digest.hex() != stated->second)
    throw CheckpointError("its checksum does not match its bytes");
}

}  // namespace onecycle
