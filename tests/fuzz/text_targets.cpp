#include <algorithm>
#include <cmath>
#include <string>

#include "host/starts.hpp"
#include "lockstep/model_table.hpp"
#include "lockstep/model.hpp"
#include "tests/fuzz/checks.hpp"
#include "tests/fuzz/targets.hpp"

namespace lockstep::fuzz {

namespace {

std::string text_of(Bytes input) { return {input.begin(), input.end()}; }

// Parameters of several shapes and supports; the bounds of one depend on another.
struct Several {
  Dim place;
  explicit Several(Dataset& d) : place(d.dim("place", 3)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto scale = m.param("scale", exponential(1));
    m.param("share", uniform(0, scale));
    m.param("cut", normal(0, 1), place, ordered());
    m.param("effect", normal(0, scale), place);
    m.param("chance", beta(2, 2));
  }
};

template <class Read> void read(const Read& from, Bytes input) {
  try {
    require_sound(from(text_of(input), "input"));
  } catch (const DataError& error) {
    require_message(error);
  }
}

}  // namespace

void json(Bytes input) { read(Data::from_json, input); }

void csv(Bytes input) { read(Data::from_csv, input); }

void init(Bytes input) {
  static const Data none;
  static const HostModel model(*model_table<Several>(), none);
  try {
    const Starts starts(model, Data::from_json(text_of(input), "input"), 1);
    const std::vector<double> position = starts(0);
    require(std::all_of(position.begin(), position.end(), [](double x) { return std::isfinite(x); }), "a start is finite");
  } catch (const DataError& error) {
    require_message(error);
  } catch (const SampleError& error) {
    require_message(error);
  }
}

}  // namespace lockstep::fuzz
