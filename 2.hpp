struct VaryingSlopes {
  Dim obs, group, effect;                              // effect: two of them, the intercept and the slope
  GroupIndex group_of;
  Real x, y;

  explicit VaryingSlopes(Dataset& d)
      : obs(d.dim("obs")), group(d.dim("group")), effect(d.dim("effect", 2)), group_of(d.index("group_idx", obs, group)),
        x(d.real("x", obs)), y(d.real("y", obs)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mean = m.param("mean", normal(0, 2), effect);
    auto tau = m.param("tau", exponential(1), effect);
    auto L = m.param("L", lkj_cholesky(2), effect);
    auto z = m.param("z", normal(0, 1), group, effect);
    auto sigma = m.param("sigma", exponential(1));
    auto b = m.let("b", group, effect, [&](auto g, auto k) { return mean[k] + tau[k] * dot(L.row(k), z.row(g)); });
    auto correlation = m.deterministic("correlation", effect, effect, [&](auto j, auto k) { return dot(L.row(j), L.row(k)); });
    m.observe("y", y, obs, [&](auto i) {
      auto g = group_of[i];
      return normal(b(g, 0) + b(g, 1) * x[i], sigma);
    });
  }
};
