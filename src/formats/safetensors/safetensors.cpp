#include "formats/safetensors/safetensors.h"

#include "onecycle/error.h"

#include "core/files/files.h"
#include "core/sha256.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "core/text/printable.h"
#include "formats/safetensors/safetensors_header.h"

#include <algorithm>

// The format: 8 bytes of header length (little-endian), a JSON header, the tensors' bytes.
namespace onecycle {

namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;
constexpr std::size_t kLongestDtype = 16;
constexpr const char* kChecksum = "sha256";
const std::string kNoChecksum(Sha256::kHexLength, '0');

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

StoredTensor checked(ListedTensor&& listed, std::string_view data) {
  const std::string& name = listed.name;
  StoredTensor tensor;
  const std::uint64_t element = element_bytes(listed.dtype);
  if (listed.dtype.empty() || listed.dtype.size() > kLongestDtype ||
      printable(listed.dtype) != listed.dtype)
    throw CheckpointError(format("{} has no dtype but '{}'", name, printable(listed.dtype, 16)));
  if (!listed.shape || !listed.offsets || listed.offsets->size() != 2)
    throw CheckpointError(format("{} has no shape or no offsets in the file", name));
  for (const std::uint64_t length : *listed.shape)
    tensor.shape.push_back(static_cast<std::int64_t>(length));  // beyond 2^63: negative, refused
  const auto elements = num_elements(tensor.shape);
  // Numbers of other dtypes take whatever room the file gives them, and are not read.
  if (!elements || *elements / (element == 0 ? 8 : 1) > data.size() / (element == 0 ? 1 : element))
    throw CheckpointError(format("the shape of {} exceeds the file", name));
  const std::uint64_t begin = listed.offsets->front();
  const std::uint64_t end = listed.offsets->back();
  if (begin > end || end > data.size() || (element != 0 && end - begin != *elements * element))
    throw CheckpointError(format("the bytes of {} do not match its shape or the file", name));
  tensor.name = std::move(listed.name);
  tensor.dtype = std::move(listed.dtype);
  tensor.data = data.data() + begin;
  tensor.bytes = end - begin;
  return tensor;
}

// Puts them in the order of their bytes, which the format wants side by side, without gaps.
void check_layout(std::vector<StoredTensor>& tensors, std::string_view data) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) {
    return a.data < b.data || (a.data == b.data && a.bytes < b.bytes);
  });
  const char* end = data.data();
  for (const StoredTensor& tensor : tensors) {
    if (tensor.data != end)
      throw CheckpointError(format("the bytes of {} overlap others or leave a gap", tensor.name));
    end += tensor.bytes;
  }
  if (end != data.data() + data.size())
    throw CheckpointError(
        format("{} bytes after the last tensor", data.data() + data.size() - end));
}

// As it stands in the header's text.
std::string checksum_field(const std::string& digest) {
  return format("\"{}\":\"{}\"", kChecksum, digest);
}

void check_sum(const Metadata& metadata, std::string_view head, std::string_view data) {
  const auto stated = metadata.find(kChecksum);
  if (stated == metadata.end()) {
    const auto writer = metadata.find("format");
    if (writer == metadata.end() || writer->second != "onecycle") return;
    throw CheckpointError("its checksum is missing");
  }
  std::string unsummed(head);
  const std::string field = checksum_field(stated->second);
  const std::size_t at = unsummed.find(field);
  if (at == std::string::npos || stated->second.size() != kNoChecksum.size())
    throw CheckpointError("its checksum is malformed");
  unsummed.replace(at, field.size(), checksum_field(kNoChecksum));
  Sha256 digest;
  digest.add(unsummed).add(data);
  if (digest.hex() != stated->second)
    throw CheckpointError("its checksum does not match its bytes");
}

}  // namespace

void write_safetensors(const std::string& path, const std::vector<StoredTensor>& tensors,
                       const Metadata& metadata) {
  Json header = Json::object();
  header["__metadata__"] = metadata;
  header["__metadata__"][kChecksum] = kNoChecksum;
  std::uint64_t offset = 0;
  // As members of the vector that it is: setting one by its name looks through all before it.
  auto& members = header.get_ref<Json::object_t&>();
  for (const StoredTensor& tensor : tensors) {
    members.emplace_back(tensor.name, Json{{"dtype", tensor.dtype},
                                           {"shape", tensor.shape},
                                           {"data_offsets", {offset, offset + tensor.bytes}}});
    offset += tensor.bytes;
  }
  std::string text = json_text(header);
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  if (text.size() > kLongestHeader)
    throw Error(
        format("{}: not written: its header would have {} bytes, and {} can be read again; "
               "make names and metadata shorter",
               path, text.size(), kLongestHeader));
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

bool is_safetensors(std::string_view bytes) {
  return bytes.size() > kLengthBytes && bytes[kLengthBytes] == '{' &&
         from_little_endian(bytes.data()) <= kLongestHeader;
}

SafetensorsContent parse_safetensors(std::string_view bytes, bool checksum) {
  if (bytes.size() < kLengthBytes) throw CheckpointError("too short");
  const std::uint64_t header_bytes = from_little_endian(bytes.data());
  if (header_bytes > kLongestHeader || header_bytes > bytes.size() - kLengthBytes)
    throw CheckpointError(format("its header of {} bytes exceeds the file", header_bytes));
  const std::string_view head = bytes.substr(0, kLengthBytes + header_bytes);
  const std::string_view data = bytes.substr(head.size());
  SafetensorsContent content;
  SafetensorsHeader header = read_safetensors_header(head.substr(kLengthBytes));
  content.metadata = std::move(header.metadata);
  for (ListedTensor& listed : header.tensors)
    content.tensors.push_back(checked(std::move(listed), data));
  check_layout(content.tensors, data);
  if (checksum) check_sum(content.metadata, head, data);
  return content;
}

SafetensorsFile::SafetensorsFile(const std::string& path, Check check) : file_(path) {
  try {
    content_ = parse_safetensors(file_.bytes(), check == Check::all);
  } catch (const std::exception& error) {
    throw CheckpointError(
        format("{}: not a whole safetensors file: {}; use an intact copy", path, error.what()));
  }
}

}  // namespace onecycle
