// needs: src/formats/pickle/*.cpp src/core/text/printable.cpp
#include "formats/pickle/pickle.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const onecycle::Pickle pickle(bytes, {"torch._utils._rebuild_tensor_v2", "torch.FloatStorage"});
    (void)pickle.root().find("state_dict");
  } catch (const onecycle::PickleError&) {
    // Refusing is what a reader may do with any bytes.
  }
  return 0;
}
