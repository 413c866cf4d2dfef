// The README's model, extracted by readme_test.sh into readme_model.hpp, against the zoo's: the same layout, and the
// same log density and gradient at a few points, lane by lane.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "lockstep/model_table.hpp"
#include "lockstep/data.hpp"
#include "models/eight_schools.hpp"
#include "readme_model.hpp"

namespace {

[[noreturn]] void fail(const std::string& why) {
  std::printf("failed: %s\n", why.c_str());
  std::exit(1);
}

// A model's functions and its data, as the engine sees them.
class Model {
 public:
  Model(const lockstep::ModelTable* table, const lockstep::DataView& view) : table_(table) {
    const lockstep::ErrorSink errors{nullptr, [](void*, const char* message) { fail(message); }};
    handle_ = table->create(&view, &errors);
  }
  ~Model() { table_->destroy(handle_); }
  Model(const Model&) = delete;

  const lockstep::LayoutView& layout() const { return *table_->layout(handle_); }

  // [lane] log densities, then [coordinate][lane] gradients.
  std::vector<double> at(const std::vector<double>& position) const {
    const std::size_t width = std::size_t(table_->pack_width), size = position.size();
    constexpr std::align_val_t line{64};
    const std::size_t scratch_size = std::size_t(layout().scratch + 1) * width;
    auto* memory = static_cast<double*>(operator new((width + 2 * size + scratch_size) * sizeof(double), line));
    double *lp = memory, *x = lp + width, *gradient = x + size, *scratch = gradient + size;
    std::copy(position.begin(), position.end(), x);
    std::fill(lp, lp + width, 0.);
    const std::vector<std::int64_t> columns(width, 0);
    table_->log_density_gradient(handle_, x, lp, gradient, scratch, columns.data());
    std::vector<double> result(lp, lp + width);
    result.insert(result.end(), gradient, gradient + size);
    operator delete(memory, line);
    return result;
  }

 private:
  const lockstep::ModelTable* table_;
  void* handle_;
};

std::string sites(const Model& model) {
  std::string all;
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
    const lockstep::SiteView& site = model.layout().sites[i];
    all += std::string(site.name) + "[" + std::to_string(site.size) + "] ";
  }
  return all;
}

}  // namespace

int main(int, char** arguments) {
  const lockstep::Data data = lockstep::Data::from_json_file(arguments[1]);
  const lockstep::DataViews views(data);
  const Model readme(lockstep::model_table<EightSchools>(), views.view());
  const Model zoo(lockstep::model_table<lockstep::models::EightSchools>(), views.view());
  if (sites(readme) != sites(zoo)) fail("the README's sites are " + sites(readme) + "and the zoo's " + sites(zoo));

  constexpr int points = 5;
  for (int point = 0; point < points; ++point) {
    std::vector<double> position(std::size_t(zoo.layout().coordinates * lockstep::pack_width));
    for (std::size_t i = 0; i < position.size(); ++i) position[i] = 2 * std::sin(double(1 + i) * (1 + point));
    const std::vector<double> ours = readme.at(position), theirs = zoo.at(position);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const double scale = 1 + std::fabs(theirs[i]);
      if (!(std::fabs(ours[i] - theirs[i]) < 1e-12 * scale))
        fail("value " + std::to_string(i) + " at point " + std::to_string(point) + " is " + std::to_string(ours[i]) +
             ", and by the zoo's model " + std::to_string(theirs[i]));
    }
  }
  std::printf("the README's model is the zoo's: log density and gradient agree at %d points\n", points);
}
