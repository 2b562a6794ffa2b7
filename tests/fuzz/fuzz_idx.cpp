// needs: src/data/formats/idx_array.cpp src/data/byte_source.cpp src/core/memory/host_memory.cpp -lz
#include "onecycle/error.h"

#include "data/formats/idx_array.h"
#include "in_memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const InMemoryFile file(data, size);
  if (!file.whole()) return 0;
  try {
    const onecycle::IdxArray array = onecycle::read_idx(file.path());
    if (!array.bytes.empty() && array.type != onecycle::IdxType::uint8)
      (void)onecycle::read_floats(array, "a");
  } catch (const onecycle::DataError&) {
    // Refusing is what a reader may do with any bytes.
  }
  return 0;
}
