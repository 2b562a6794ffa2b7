// needs: src/core/files/*.cpp src/core/text/[jnpu]*.cpp src/core/memory/host_memory.cpp src/core/sha256.cpp src/formats/[pstz][aiho]*/*.cpp src/formats/foreign_file.cpp src/formats/weights_file.cpp -lz -lcrypto
#include "onecycle/error.h"

#include "formats/weights_file.h"

#include <cstddef>
#include <cstdint>

namespace {

volatile unsigned char touched;

// The first and the last element that the strides reach.
void touch(const onecycle::StoredTensor& tensor) {
  const auto element = onecycle::element_bytes(tensor.dtype);
  if (tensor.bytes == 0 || element == 0) return;
  const auto* first = static_cast<const unsigned char*>(tensor.data);
  std::uint64_t last = tensor.strides.empty() ? tensor.bytes / element - 1 : 0;
  for (std::size_t i = 0; i < tensor.strides.size(); ++i)
    last += static_cast<std::uint64_t>((tensor.shape[i] - 1) * tensor.strides[i]);
  touched = static_cast<unsigned char>(first[0] ^ first[(last + 1) * element - 1]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto content = onecycle::parse_weights({reinterpret_cast<const char*>(data), size});
    for (const onecycle::StoredTensor& tensor : content.tensors) touch(tensor);
  } catch (const onecycle::CheckpointError&) {
    // Refusing is what a reader may do with any bytes.
  }
  return 0;
}
