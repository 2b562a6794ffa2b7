#include "train/step/graph_recorder.h"

namespace onecycle {

std::unique_ptr<GraphRecorder> cuda_graph_recorder(c10::Device) { return nullptr; }

}  // namespace onecycle
