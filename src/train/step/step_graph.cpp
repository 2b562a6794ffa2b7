#include "train/step/step_graph.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/printable.h"

namespace onecycle {

void StepGraph::run() {
  if (recorder_ && !recorded_) {
    if (warm_ups_ < kWarmUps) {
      ++warm_ups_;
      return recorder_->on_stream(calls_.work);
    }
    record();
  }
  recorded_ ? recorder_->replay() : calls_.work();
}

void StepGraph::renew(const std::function<void()>& make) {
  warm_ups_ = 0;
  recorded_ = false;
  if (!recorder_) return make();
  recorder_->drop();
  recorder_->on_stream(make);
}

// A rank alone that went on without the graph would wait for collectives that the others' graphs
// hold in another order.
void StepGraph::record() {
  std::string why = try_to_record(*recorder_, calls_.work);
  recorded_ = all_agree(group_, why.empty());
  if (recorded_) return;
  if (why.empty()) why = "another rank could not record it";
  if (required_) throw Error(format("train.graph: on, but the step cannot be recorded: {}", why));
  recorder_->drop();
  recorder_.reset();
  calls_.start_over();
  calls_.warn(format("the step runs without a CUDA graph: {}", why));
}

std::string try_to_record(GraphRecorder& recorder, const std::function<void()>& work) {
  try {
    recorder.record(work);
    return "";
  } catch (const std::exception& error) {
    const std::string why = first_line(error.what());
    return why.empty() ? "for no known reason" : why;
  }
}

std::unique_ptr<GraphRecorder> recorder_for(GraphChoice choice, c10::Device device) {
  if (choice == GraphChoice::off || !device.is_cuda()) return nullptr;
  return cuda_graph_recorder(device);
}

}  // namespace onecycle
