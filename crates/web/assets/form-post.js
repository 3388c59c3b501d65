// Submits the form of `form_post.html` at once. Without script, its button does. By way of
// the prototype, because a field called "submit" would hide the form's own method.
HTMLFormElement.prototype.submit.call(document.getElementById("form-post"));
