/** Says a sentence out loud where the browser can; who looks away hears it, too. */
export function speak(text: string): void {
  if (typeof speechSynthesis === 'undefined' || typeof SpeechSynthesisUtterance === 'undefined') return;
  const utterance = new SpeechSynthesisUtterance(text);
  utterance.lang = 'en';
  // What was said before is out of date.
  speechSynthesis.cancel();
  speechSynthesis.speak(utterance);
}
