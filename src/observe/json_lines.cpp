#include "observe/json_lines.h"

#include "core/text/json_text.h"

#include <cmath>

namespace onecycle {

namespace {

constexpr int kVersion = 2;  // `step`: steps done; before, in lines without a version, less 1

void add_hyper(Json& json, const Hyper& hyper) {
  json["lr"] = json_of_number(hyper.lr);
  json["momentum"] = json_of_number(hyper.momentum);
  json["weight_decay"] = json_of_number(hyper.weight_decay);
}

void add_verdict(Json& json, const std::optional<Verdict>& verdict) {
  json["verdict"] = verdict ? Json(name_of(verdict->judgement)) : Json();
  json["verdict_text"] = verdict ? Json(verdict->text) : Json();
}

}  // namespace

void JsonLines::add_score(Json& json, const std::string& split,
                          const std::optional<Score>& score) const {
  json[split + "_loss"] = score ? json_of_number(score->loss) : Json();
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    const bool has = score && i < score->metrics.size() && !std::isnan(score->metrics[i]);
    json[split + "_" + metrics_[i].name] = has ? json_of_number(score->metrics[i]) : Json();
  }
}

void JsonLines::on_run_begin(const RunBegin& event) {
  metrics_ = event.metrics;
  out_ << json_text(Json{{"event", "started"},
                         {"version", kVersion},
                         {"first_step", event.first_step},
                         {"total_steps", event.total_steps},
                         {"steps_per_epoch", event.steps_per_epoch},
                         {"total_batch", event.total_batch},
                         {"run_dir", run_dir_}})
       << std::endl;
}

void JsonLines::on_log_point(const LogPoint& point, StopSignal&) {
  Json json = {{"event", "log"}, {"step", point.step + 1}, {"epoch", point.epoch}};
  add_hyper(json, point.hyper);
  json["lr_scale"] = point.lr_scale;
  add_score(json, "train", point.train);
  json["samples_per_second"] = point.samples_per_second;
  if (point.scaling) {
    json["loss_scale"] = point.scaling->scale;
    json["skipped_steps"] = point.scaling->skipped_steps;
  }
  out_ << json_text(json) << std::endl;
}

void JsonLines::on_evaluated(const Evaluated& event, StopSignal&) {
  Json json = {{"event", "evaluated"}, {"step", event.step + 1}, {"epoch", event.epoch}};
  add_hyper(json, event.hyper);
  json["lr_scale"] = event.lr_scale;
  add_score(json, "train", event.train);
  add_score(json, "validation", event.validation);
  add_score(json, "test", event.test);
  add_verdict(json, event.verdict);
  json["train_seconds"] = event.train_seconds;
  json["seconds"] = event.seconds;
  out_ << json_text(json) << std::endl;
}

void JsonLines::on_notice(const Notice& notice) {
  out_ << json_text(Json{{"event", name_of(notice.kind)},
                         {"steps", notice.step},
                         {"epoch", notice.epoch},
                         {"message", notice.message}})
       << std::endl;
}

void JsonLines::on_run_end(const RunEnd& event) {
  Json json = {{"event", "finished"}, {"stop_reason", name_of(event.reason)}};
  if (!event.message.empty()) json["message"] = event.message;
  json["steps"] = event.steps;
  add_score(json, "train", event.train);
  add_score(json, "validation", event.validation);
  add_score(json, "test", event.test);
  add_verdict(json, event.verdict);
  json["train_seconds"] = event.train_seconds;
  json["seconds"] = event.seconds;
  json["run_dir"] = run_dir_;
  out_ << json_text(json) << std::endl;
}

}  // namespace onecycle
