#include "onecycle/group.h"

namespace onecycle {

namespace {

class LocalGradients : public GradientReduction {
 public:
  void begin(bool) override {}
  void finish() override {}
};

class Alone : public Group {
 public:
  explicit Alone(std::int64_t local_rank) : local_rank_(local_rank) {}

  std::int64_t rank() const override { return 0; }
  std::int64_t size() const override { return 1; }
  std::int64_t local_rank() const override { return local_rank_; }
  std::int64_t local_size() const override { return 1; }
  std::string summary() const override { return "one process"; }
  std::vector<std::vector<double>> all_gather(const std::vector<double>& own) override {
    return {own};
  }
  std::string broadcast(const std::string& bytes, std::int64_t) override { return bytes; }
  std::vector<std::string> all_gather_bytes(const std::string& own) override { return {own}; }
  void all_reduce(at::Tensor&) override {}
  void broadcast(std::vector<at::Tensor>&) override {}
  std::unique_ptr<GradientReduction> reduce(std::vector<at::Tensor>, GradientFormat) override {
    return std::make_unique<LocalGradients>();
  }
  void at_step(std::int64_t) override {}
  void abort(const Failure&) override {}
  std::optional<Failure> failure(const std::exception&) override { return std::nullopt; }

 private:
  std::int64_t local_rank_;
};

}  // namespace

std::shared_ptr<Group> alone(std::int64_t local_rank) {
  return std::make_shared<Alone>(local_rank);
}

bool all_agree(Group& group, bool own) {
  for (const auto& said : group.all_gather({own ? 1.0 : 0.0}))
    if (said[0] == 0) return false;
  return true;
}

}  // namespace onecycle
