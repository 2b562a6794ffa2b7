#pragma once

#include <functional>
#include <memory>

#include <c10/core/Device.h>

namespace onecycle {

// Records what a function queues on a device, to queue it again as one.
class GraphRecorder {
 public:
  virtual ~GraphRecorder() = default;

  // Runs it with the stream that recording takes, between what was queued on the current one before
  // and what will be after.
  virtual void on_stream(const std::function<void()>& work) = 0;
  // Keeps what it queues; nothing of it happens on the device. Throws where that cannot be kept;
  // then nothing is kept, and work can be queued as before.
  virtual void record(const std::function<void()>& work) = 0;
  // Queues what was recorded, on the current stream.
  virtual void replay() = 0;
  // Forgets it, once the device has done it. What it made goes with it.
  virtual void drop() = 0;
  // A recorder of other work, whose graph lies in the memory that this one's graph leaves free
  // while it is not replayed, on the same stream. Neither may be replayed before the device has
  // done the other, as on one stream, and what one made is lost where the other is replayed. Null
  // where nothing is recorded.
  virtual std::unique_ptr<GraphRecorder> beside() { return nullptr; }
};

// As a CUDA graph; null where this build has no CUDA.
std::unique_ptr<GraphRecorder> cuda_graph_recorder(c10::Device device);

}  // namespace onecycle
